/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale/state_text.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "source/headscale/key_text.h"

void
state_format(const struct tailnet_state *s, struct text *out)
{
	char key[KEY_TEXT_BYTES];
	text_add(out, "# headgate's identity in a tailnet: keep it secret.\n");
	text_add(out, "MachineKey = %s\n",
		key_text_format(KEY_TEXT_PRIVATE, &s->machine_private, key));
	text_add(out, "NodeKey = %s\n", key_text_format(KEY_TEXT_PRIVATE, &s->node_private, key));
	secret_wipe(key, sizeof(key));
	if (!key_is_zero(&s->server_public))
		text_add(out, "ServerKey = %s\nServer = %s\n",
			key_text_format(KEY_TEXT_MACHINE, &s->server_public, key), s->server);
	text_add(out, "Registered = %s\n", s->is_registered ? "yes" : "no");
}

static int
read_server(struct tailnet_state *s, const char *value)
{
	size_t n = strlen(value);
	if (n >= sizeof(s->server))
		return -EINVAL;
	memcpy(s->server, value, n + 1);
	return 0;
}

static int
read_member(struct tailnet_state *s, const char *name, const char *value)
{
	if (strcmp(name, "MachineKey") == 0)
		return key_text_parse(KEY_TEXT_PRIVATE, value, &s->machine_private);
	if (strcmp(name, "NodeKey") == 0)
		return key_text_parse(KEY_TEXT_PRIVATE, value, &s->node_private);
	if (strcmp(name, "ServerKey") == 0)
		return key_text_parse(KEY_TEXT_MACHINE, value, &s->server_public);
	if (strcmp(name, "Server") == 0)
		return read_server(s, value);
	if (strcmp(name, "Registered") != 0)
		return -EINVAL;
	s->is_registered = strcmp(value, "yes") == 0;
	return 0;
}

/* "Name = value" of n bytes; line is wiped by the caller. */
static int
read_line(struct tailnet_state *s, char *line)
{
	char *equals = strstr(line, " = ");
	if (line[0] == '#' || line[0] == 0)
		return 0;
	if (!equals)
		return -EINVAL;
	*equals = 0;
	return read_member(s, line, equals + 3);
}

int
state_parse(const char *text, struct tailnet_state *out, struct err *err)
{
	char line[STATE_SERVER_BYTES + 32];
	memset(out, 0, sizeof(*out));
	for (unsigned number = 1; *text; number++) {
		size_t n = strcspn(text, "\n"), n_copied = MIN_OF(n, sizeof(line) - 1);
		memcpy(line, text, n_copied);
		line[n_copied] = 0;
		int rc = n == n_copied ? read_line(out, line) : -EINVAL;
		secret_wipe(line, sizeof(line));
		if (rc)
			return err_set(err, -EBADMSG, "line %u is wrong", number);
		text += n + (text[n] == '\n');
	}
	if (key_is_zero(&out->machine_private) || key_is_zero(&out->node_private))
		return err_set(err, -EBADMSG, "it has no keys");
	return 0;
}
