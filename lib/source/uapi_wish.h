/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the UAPI source: what passes from the parser (uapi_parse.c) to uapi_changes.c. */
#pragma once

#include "intent/change.h"

enum uapi_wish_kind {
	WISH_CHANGE, /* of the interface or the peer at hand, as it stands in `change` */
	WISH_CLEAR_PEERS,
	WISH_PEER,          /* the peer at hand from now on, made if it is not there */
	WISH_PEER_IF_THERE, /* …only if it is */
	WISH_REMOVE_PEER,
	WISH_CLEAR_ALLOWED,
};

struct uapi_wish {
	enum uapi_wish_kind kind;
	struct change change;
};
