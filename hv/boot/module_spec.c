/* The string of a boot module that starts as a domain. Unknown words are errors: a test that is
 * started with less than it asked for would mislead. */
#include "hv/base/string.h"
#include "hv/boot/module_spec.h"
#include "hv/boot/options.h"
#include "hv/dom/domain.h"

static const char keyword[] = "domain";

/* Cut the next word off *text into @word. False at the end. */
static bool word_next(const char **text, char *word, size_t room)
{
	size_t n = 0;

	while (**text == ' ')
		(*text)++;
	for (; **text && **text != ' '; (*text)++)
		if (n + 1 < room)
			word[n++] = **text;
	word[n] = 0;
	return n != 0;
}

bool module_is_domain(const char *text)
{
	char word[sizeof keyword + 1];

	text = boot_text_skip_name(text, keyword);
	return word_next(&text, word, sizeof word) && strcmp(word, keyword) == 0;
}

static bool name_take(char out[MODULE_NAME_SIZE], const char *value)
{
	if (value[0] == 0 || strlen(value) >= MODULE_NAME_SIZE)
		return false;
	string_copy(out, value, MODULE_NAME_SIZE);
	return true;
}

static const char *word_take(char *word, struct module_spec *s)
{
	char *value = strchr(word, '=');
	uint64_t n;

	if (!value)
		return "a word of the module's string is not KEY=VALUE";
	*value++ = 0;
	if (strcmp(word, "name") == 0)
		return name_take(s->name, value) ? NULL : "name= must have 1 to 31 characters";
	if (strcmp(word, "connect") == 0)
		return name_take(s->connect, value) ? NULL
						    : "connect= must have 1 to 31 characters";
	if (strcmp(word, "memory") == 0) {
		if (!parse_number(value, &n) || n < 1 || n > 1u << 20)
			return "memory= must be a number of MiB";
		s->memory_mib = n;
		return NULL;
	}
	if (strcmp(word, "vcpus") == 0) {
		if (!parse_number(value, &n) || n < 1 || n > MAX_VCPUS)
			return "vcpus= must be 1 to 32";
		s->vcpus = (unsigned)n;
		return NULL;
	}
	return "unknown key in the module's string";
}

const char *module_spec_parse(const char *text, struct module_spec *out)
{
	struct module_spec s = { .memory_mib = 16, .vcpus = 1, .guest_line = "" };
	char word[128];

	text = boot_text_skip_name(text, keyword);
	(void)word_next(&text, word, sizeof word);	/* "domain" */
	while (word_next(&text, word, sizeof word)) {
		if (strcmp(word, "--") == 0) {
			while (*text == ' ')
				text++;
			s.guest_line = text;
			break;
		}
		const char *why = word_take(word, &s);
		if (why)
			return why;
	}
	if (s.name[0] == 0)
		return "the module's string has no name=";
	*out = s;
	return NULL;
}
