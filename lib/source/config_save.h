/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SaveConfig: an interface written back to the file that it came from, in the words that config.h
 * reads. Sections that are not [Interface] or [Peer] stay as they stand there, comments in them
 * too; the two are written anew, as wg-quick does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "intent/intent.h"
#include "source/text.h"

/* What runs and no intent knows. */
struct config_live {
	uint16_t listen_port; /* the real one; 0: as the intent says */
	const struct prefix_list *addresses; /* the device's; NULL: as the intent says */
	/* Where the peer is now; false: nobody knows. NULL: as the intent says. */
	bool (*endpoint)(void *ctx, const struct key *peer, struct endpoint *out);
	void *ctx;
};

/* Appends [Interface] and its [Peer]s; file: where it is to stand, for the Name; may be NULL. */
void config_format(struct text *out, const struct interface_intent *i,
	const struct config_live *live, const char *file);

/*
 * Replaces the file at i->save_path in one step: whoever reads it finds the old text or the new.
 * The new file is 0600 and its owner the old one's. 0, or a negative errno with a sentence, and
 * then the file is as it was.
 */
int config_save(const struct interface_intent *i, const struct config_live *live,
	struct err *err) __attribute__((warn_unused_result));
