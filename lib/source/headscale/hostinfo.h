/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a node says of itself. It goes into every request, whole and the same to the byte as long
 * as nothing changed: a server tells every peer of every difference, and takes what is left out
 * for withdrawn.
 */
#pragma once

#include "intent/intent.h"
#include "source/text.h"

struct hostinfo {
	const char *hostname;
	const char *version;              /* of headgate */
	const struct prefix_list *routes; /* that we offer; sorted when written */
	bool offers_exit;                 /* 0.0.0.0/0 and ::/0 */
	const char *tags;                 /* "tag:a,tag:b"; "" or NULL: none */
};

/* Appends the object. */
void hostinfo_format(const struct hostinfo *info, struct text *out);
