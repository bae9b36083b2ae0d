/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/drop.h"

static const struct {
	const char *name, *why;
} reasons[] = {
#define DROP(id, name, why) [DROP_##id] = {name, why},
#include "telemetry/drop.def"
#undef DROP
};

const char *
drop_name(enum drop_reason reason)
{
	return reasons[reason].name;
}

const char *
drop_why(enum drop_reason reason)
{
	return reasons[reason].why;
}
