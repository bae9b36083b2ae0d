/* SPDX-License-Identifier: BSD-3-Clause */
#include "port/profile.h"

#include <string.h>

#include "base/bytes.h"

static const struct port_profile profiles[] = {
#include "profiles.inc"
};

const struct port_profile *
profile_of_driver(const char *driver)
{
	const struct port_profile *fallback = &profiles[0];
	for (unsigned i = 0; i < ARRAY_COUNT(profiles); i++) {
		if (strcmp(profiles[i].driver, driver) == 0)
			return &profiles[i];
		if (strcmp(profiles[i].driver, "default") == 0)
			fallback = &profiles[i];
	}
	return fallback;
}

const struct port_profile *
profile_of_device(const char *device)
{
	for (unsigned i = 0; i < ARRAY_COUNT(profiles); i++) {
		if (strncmp(profiles[i].driver, device, strlen(profiles[i].driver)) == 0)
			return &profiles[i];
	}
	return profile_of_driver("default");
}
