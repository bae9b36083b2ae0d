/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale/control_key.h"

#include <errno.h>

#include "source/headscale/json.h"
#include "source/headscale/key_text.h"

int
control_key_parse(const char *body, size_t n_bytes, struct key *out, struct err *err)
{
	*out = (struct key){{0}};
	json_t *v = json_read(body, n_bytes, err);
	if (!v)
		return -EBADMSG;
	struct json_reader r = json_reader_of(v, "the answer");
	const char *text = json_text(&r, "publicKey");
	bool is_key = !r.failed && key_text_parse(KEY_TEXT_MACHINE, text, out) == 0 &&
		!key_is_zero(out);
	json_decref(v);
	if (is_key)
		return 0;
	return err_set(err, -EBADMSG, "the server's answer holds no key of its own: is it a "
		"Headscale server?");
}
