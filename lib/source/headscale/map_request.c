/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale/map_request.h"

#include "source/headscale/key_text.h"

static void
add_endpoints(const struct map_request *r, struct text *out)
{
	char text[ENDPOINT_TEXT_BYTES];
	text_add(out, ",\"Endpoints\":[");
	for (size_t i = 0; i < r->n_endpoints; i++)
		text_add(out, "%s\"%s\"", i ? "," : "", endpoint_format(&r->endpoints[i].at, text));
	text_add(out, "],\"EndpointTypes\":[");
	for (size_t i = 0; i < r->n_endpoints; i++)
		text_add(out, "%s%d", i ? "," : "", (int)r->endpoints[i].kind);
	text_add(out, "]");
}

void
map_request_format(const struct map_request *r, struct text *out)
{
	char key[KEY_TEXT_BYTES];
	text_add(out, "{\"Version\":%u,\"Compress\":\"zstd\",\"KeepAlive\":true,\"NodeKey\":\"%s\"",
		r->version, key_text_format(KEY_TEXT_NODE, &r->node_public, key));
	text_add(out, ",\"DiscoKey\":\"%s\",\"Stream\":%s",
		key_text_format(KEY_TEXT_DISCO, &r->disco_public, key),
		r->is_stream ? "true" : "false,\"OmitPeers\":true");
	text_add(out, ",\"Hostinfo\":");
	hostinfo_format(r->hostinfo, out);
	if (!r->keeps_endpoints)
		add_endpoints(r, out);
	text_add(out, "}");
}
