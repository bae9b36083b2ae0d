/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The status for people: tables printed from the JSON of intent/status_json.h, since the command
 * line is another process. A field that is missing prints as empty or 0.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

enum status_view {
	STATUS_VIEW_STATUS,
	STATUS_VIEW_PEERS,
	STATUS_VIEW_PORTS,
	STATUS_VIEW_DROPS,
	STATUS_VIEW_DROPS_BY_PORT,
	STATUS_VIEW_DROPS_BY_PEER,
	STATUS_VIEW_FILTER,
	STATUS_VIEW_NAT,
};

/* "status", "peers", "ports", "drops", "drops-by-port", "drops-by-peer", "filter". 0 or -EINVAL. */
int status_view_parse(const char *text, enum status_view *out);

void status_print(const json_t *status, enum status_view view, FILE *out);
