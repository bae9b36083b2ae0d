/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the config source: what the line reader (config.c) and the sections' tables share. No
 * other folder includes this.
 */
#pragma once

#include "intent/intent.h"
#include "source/text.h"

struct config_reader;

/*
 * A row: one key of a section. read takes the value (trimmed; it may write into it) and returns 0;
 * -EINVAL when the value is not of the form that `expects` tells, and config.c words the error;
 * -ENOMEM; or what config_error returned, for a sentence of its own.
 */
struct config_key {
	const char *name;
	int (*read)(struct config_reader *r, char *value);
	const char *expects;
	const char *example;
	const char *help;
	bool is_secret; /* its value never stands in a message */
};

struct config_section {
	const char *name;
	const char *argument; /* what stands after the name, as in [Port NAME]; NULL: nothing */
	int (*begin)(struct config_reader *r, const char *argument);
	int (*end)(struct config_reader *r); /* NULL: nothing to do */
	const struct config_key *keys;
	size_t n_keys;
	const char *help;
};

extern const struct config_section config_section_gateway, config_section_port,
	config_section_interface, config_section_peer, config_section_filter,
	config_section_headscale, config_section_segment;

/* A prefix of the [Peer] being read, with its line. */
struct allowed_line {
	struct prefix prefix;
	uint32_t line;
};

struct config_reader {
	struct intent *it;
	struct err *err;
	uint32_t file_id;
	uint32_t line;
	const struct config_section *section; /* NULL before the first */
	const struct config_key *key;         /* being read */
	bool holds_keys;                      /* the file itself has a secret in it */
	const char *hook_name;                /* "PostUp": the first command it has; NULL: none */
	uint32_t hook_line;

	struct port_intent *port;           /* the [Port] being read */
	struct interface_intent *interface; /* this file's, from its first section on */
	bool has_interface_section;
	bool saves_config;
	char interface_name[INTENT_NAME_BYTES]; /* of a Name key; empty: after the file */

	/* The [Peer] being read: it joins the interface at its end, when its key is known. */
	struct peer_intent peer;
	bool has_peer_key;
	struct allowed_line *allowed;
	size_t n_allowed;
};

struct origin config_here(const struct config_reader *r);
/* Writes "file:line: " and the sentence; returns -EBADMSG. */
int config_error(struct config_reader *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Makes this file's interface, r->interface, at the first call. 0, -EBADMSG (said) or -ENOMEM. */
int config_interface(struct config_reader *r);
/* Puts the pending peer's memory back to nothing; secrets are wiped. */
void config_peer_clear(struct config_reader *r);

/* "…/wg0.conf" is wg0; headgate.conf is hg0; "" when that is too long. */
void config_name_from_file(const char *file, char out[INTENT_NAME_BYTES]);
/* All of an open file, at most CONFIG_MAX_BYTES. */
int config_read_whole(int fd, const char *path, struct text *out, struct err *err);

/* Values. Each returns 0 or -EINVAL unless it says more. */

/* A whole number, decimal or 0x hexadecimal, of at most max. */
int value_number(const char *text, uint32_t max, uint32_t *out);
/* The index of the word in n words, letter case aside. */
int value_word(const char *text, const char *const *words, size_t n, unsigned *out);
/* Printable ASCII of less than room_bytes, not empty. */
int value_text(const char *text, char *out, size_t room_bytes);
/* read for each item between commas, trimmed; an empty value has no items. What read returns. */
int value_list(
	struct config_reader *r, char *text, int (*read)(struct config_reader *r, char *item));
/* A number within the limits of an MTU. */
int value_mtu(const char *text, uint16_t *out);
/* Adds an address with its length to a list; -EBADMSG (said), -ENOMEM. */
int value_address(struct config_reader *r, const char *text, struct prefix_list *out);
/* Cuts white space off both ends, in place. */
char *value_trim(char *text);
