/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose an address is: the peer that has it among its allowed-ips, the longest prefix first. */
#pragma once

#include <jansson.h>

/*
 * status: headgated's answer. who: an IP address, or a peer's name, the first label of it is
 * enough. The peer's object in it, borrowed, or NULL: nobody's.
 */
const json_t *whois_find(const json_t *status, const char *who);
