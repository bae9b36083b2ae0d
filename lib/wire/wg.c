/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/wg.h"

const char *
wg_type_name(enum wg_type type)
{
	switch (type) {
	case WG_INITIATION:
		return "handshake initiation";
	case WG_RESPONSE:
		return "handshake response";
	case WG_COOKIE:
		return "cookie reply";
	case WG_DATA:
		return "data";
	case WG_NONE:
		break;
	}
	return "unknown message";
}
