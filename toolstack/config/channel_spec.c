/* Channels, as xl.cfg(5) has them. Neighbours: guest_cfg.c, field.c. */
#include "toolstack/config/channel_spec.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "toolstack/config/field.h"

static int set_name(struct channel_spec *c, const char *text, struct why *why)
{
	for (const char *ch = text; *ch; ch++)
		if (*ch <= ' ' || *ch > '~' || *ch == '=' || *ch == '"')
			return why_set(why, -EINVAL, "name: has a blank, a quote, \"=\" or a byte that is no ASCII");
	if (!text[0])
		return why_set(why, -EINVAL, "name: is empty");
	return field_copy(c->name, sizeof(c->name), "name", text, why);
}

static int set_connection(const char *text, struct why *why)
{
	if (strcmp(text, "pty") == 0)
		return 0;
	why_set(why, -ENOTSUP, "connection \"%.32s\" is not supported", text);
	why_hint(why, "connection=pty, which `bothy console -n` reaches");
	return -ENOTSUP;
}

static int set_backend(const char *text, struct why *why)
{
	static const char *const ours[] = {"0", "Domain-0", NULL};

	if (field_is_one_of(text, ours))
		return 0;
	return why_set(why, -ENOTSUP, "backend \"%.32s\" is not supported", text);
}

static int set_key(struct channel_spec *c, bool *connected, const char *key, const char *text, struct why *why)
{
	if (strcmp(key, "name") == 0)
		return set_name(c, text, why);
	if (strcmp(key, "backend") == 0)
		return set_backend(text, why);
	if (strcmp(key, "connection") != 0)
		return why_set(why, -EINVAL, "unknown key \"%.32s\"", key);
	*connected = true;
	return set_connection(text, why);
}

/* Cut the blanks around what is left and right of the first "=" in @word, which is then two. */
static char *word_split(char *word)
{
	char *value = strchr(word, '=');
	size_t length;

	if (!value)
		return NULL;
	length = (size_t)(value - word);
	while (length > 0 && word[length - 1] == ' ')
		length--;
	word[length] = '\0';
	return value + 1 + strspn(value + 1, " ");
}

int channel_spec_parse(struct channel_spec *c, const char *text, struct why *why)
{
	struct channel_spec spec = {.name = ""};
	bool connected = false;

	while (*text) {
		char word[CHANNEL_SPEC_TEXT], *value;
		int rc = field_next(&text, word, sizeof(word), why);

		if (rc < 0)
			return rc;
		value = word_split(word);
		if (!value)
			return why_set(why, -EINVAL, "\"%.40s\" is not KEY=VALUE", word);
		rc = set_key(&spec, &connected, word, value, why);
		if (rc < 0)
			return rc;
	}
	if (!spec.name[0] || !connected) {
		why_set(why, -EINVAL, "%s is missing", spec.name[0] ? "connection" : "name");
		why_hint(why, "name=org.example.agent,connection=pty");
		return -EINVAL;
	}
	*c = spec;
	return 0;
}

void channel_spec_format(const struct channel_spec *c, char out[CHANNEL_SPEC_TEXT])
{
	snprintf(out, CHANNEL_SPEC_TEXT, "connection=pty,name=%s", c->name);
}
