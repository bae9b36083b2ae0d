/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which FwMark has which underlay. The tunnels' marks each get one of TABLES_MAX_UNDERLAYS, so
 * that each interface's outer packets follow the kernel's rules for their own mark. A mark keeps
 * its underlay as long as a tunnel has it.
 *
 * The control thread owns it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/devices.h"
#include "intent/intent.h"
#include "tables/tables.h"

_Static_assert((int)INTENT_MAX_FWMARKS == (int)TABLES_MAX_UNDERLAYS, "what the check allows");

struct marks {
	uint32_t of[TABLES_MAX_UNDERLAYS]; /* the underlay's mark */
	uint8_t used;                      /* bit i: underlay i has a mark; else no routes */
	uint8_t ready;                     /* and its routes are compiled */
};
_Static_assert(TABLES_MAX_UNDERLAYS <= 8, "a bit for each underlay");

/* Whether a tunnel of that mark finds an underlay beside the others: all but link_id's. */
bool marks_have_room(const struct devices *d, uint16_t link_id, uint32_t mark);
/* Gives each tunnel's mark an underlay, and takes those of marks that nobody has any more. */
void marks_choose(struct marks *m, const struct devices *d, const struct tables *t);
/* Tells the tables of the tunnels whose underlay is ready. */
void marks_publish(const struct marks *m, const struct devices *d, struct tables *t);
