/* SPDX-License-Identifier: BSD-3-Clause */
#include "crypto/aead_names.h"

#include <string.h>

#include "base/bytes.h"

#define TEXT(name) #name,

bool
aead_name_is_known(const char *name)
{
	static const char *const names[] = {AEAD_BACKEND_LIST(TEXT, TEXT)};

	for (unsigned i = 0; i < ARRAY_COUNT(names); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}
