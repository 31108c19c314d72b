/* Lists of operations by a byte fuzzer: coverage leads it where the state-aware generator has no
 * idea of, and every operation is judged as there, by the audit and the model
 * (tests/fuzz/engine.c). The operations of a crasher are printed as text, which `fuzz --shrink`
 * reads. */
#include "tests/fuzz/engine.h"
#include "tests/fuzz/targets/target.h"

#define OPS_MAX 256u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct engine e = { .use_model = true };
	volatile uint32_t at;
	struct oplist l;

	oplist_from_bytes(&l, data, size, OPS_MAX);
	engine_list(&e, &l, &at);
	if (e.verdict.broken)
		oplist_write(stderr, &l, e.verdict.text);
	HOLDS(!e.verdict.broken);
	oplist_free(&l);
	return 0;
}
