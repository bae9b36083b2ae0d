/* SPDX-License-Identifier: BSD-3-Clause */
/* The state of the running process as a value (intent/status.h). */
#pragma once

#include "control/core.h"

/* All of it, without secrets; NULL when memory is short. The caller destroys it. */
struct status *report_status(struct control *c);
/*
 * One interface with its secrets, for the UAPI. 0 or -ENOMEM; either way it is to be finished with
 * status_interface_fini.
 */
int report_interface(struct control *c, const struct control_iface *i,
	struct status_interface *out);
