# Decoders of third-party libraries for the boot stage (lib/image): the least that unpacks a kernel.
# Sources are below build/third/src; the same objects, under ASan, are in the hosted build.
third-z    := $(addprefix zlib/,adler32 crc32 inffast inflate inftrees zutil)
third-lzma := $(addprefix xz-utils/src/liblzma/,$(addprefix common/,common filter_common index_hash \
	stream_flags_common vli_size block_decoder block_header_decoder block_util \
	filter_decoder \
	filter_flags_decoder stream_buffer_decoder stream_decoder stream_flags_decoder vli_decoder) \
	check/check check/crc32_table check/crc32_fast lz/lz_decoder lzma/lzma_decoder \
	lzma/lzma2_decoder simple/simple_coder simple/simple_decoder simple/x86)
third-lz4  := lz4/lib/lz4
third-zstd := $(addprefix libzstd/lib/,common/entropy_common common/error_private \
	common/fse_decompress common/xxhash common/zstd_common decompress/huf_decompress \
	decompress/zstd_ddict decompress/zstd_decompress decompress/zstd_decompress_block)
third-hv   := $(addsuffix .c,$(third-z) $(third-lzma) $(third-lz4) $(third-zstd))

lzma-src := build/third/src/xz-utils/src
third-hv-flags := -Ilib/image/freestanding -DZ_SOLO \
	-DHAVE_DECODERS -DHAVE_DECODER_LZMA2 -DHAVE_DECODER_X86 -DHAVE_CHECK_CRC32 \
	-DHAVE_STDBOOL_H -DHAVE_STDINT_H -DHAVE_INTTYPES_H -DHAVE_LIMITS_H -DHAVE_STRING_H -DSIZEOF_SIZE_T=8 \
	-DTUKLIB_SYMBOL_PREFIX=lzma_ -DTUKLIB_FAST_UNALIGNED_ACCESS -DHAVE_VISIBILITY=0 \
	$(foreach d,liblzma/api liblzma/common liblzma/check liblzma/lz liblzma/rangecoder liblzma/lzma \
	liblzma/delta liblzma/simple common,-I$(lzma-src)/$d) \
	-DZSTD_DISABLE_ASM=1 -DDYNAMIC_BMI2=0 -DZSTD_NO_INTRINSICS -DZSTD_LEGACY_SUPPORT=0 -DZSTD_TRACE=0 -DDEBUGLEVEL=0 \
	-DHUF_FORCE_DECOMPRESS_X1 -DZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT -DXXH_NO_INLINE_HINTS=1
third-inc := -isystem build/third/include
# The hypervisor has no C library: its few headers come from here.
$(O)/hv/%: third-inc += -Ilib/image/freestanding
