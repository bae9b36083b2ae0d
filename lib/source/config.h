/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The config file as a source of intents: the INI dialect of wg and wg-quick, with sections of
 * ours beside theirs. Every section and key is declared once, in a row of a table
 * (config_gateway.c, config_port.c, config_interface.c, config_peer.c, config_filter.c); parser,
 * error messages and the manual follow from the row.
 *
 * On an error the sentence names file, line, what was expected and an example, and the intent is
 * to be thrown away. What is odd but allowed goes to the intent's warnings.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "intent/intent.h"

enum {
	CONFIG_MAX_BYTES = 64 << 20,
	CONFIG_MAX_LINE_BYTES = 64 << 10,
};

/*
 * Reads a file into the intent; to be called once for each file. Its interface is named after the
 * file (wg0.conf: wg0; headgate.conf: hg0) unless [Interface] has a Name. Does not check the whole:
 * intent_check does. 0, -EBADMSG (the file is wrong), -EFBIG, -ENOMEM, or why it cannot be read.
 */
int config_load(struct intent *it, const char *path, struct err *err)
	__attribute__((warn_unused_result));

/* The same from memory; `file` stands for the path in names and messages. */
int config_parse(struct intent *it, const char *file, const char *text, size_t n_bytes,
	struct err *err) __attribute__((warn_unused_result));

/*
 * `--port NAME=DEVICE`, for example "wan=net_af_xdp0,iface=eth1": adds the port, or gives another
 * device to the one that the config has. 0, -EBADMSG or -ENOMEM.
 */
int port_option_parse(struct intent *it, const char *option, struct err *err)
	__attribute__((warn_unused_result));

/* A key as its row declares it. */
struct config_help {
	const char *section, *argument, *section_help; /* argument NULL: the section has no name */
	const char *key, *expects, *example, *help;
	bool is_secret;
};

/* Tells of every key there is, section by section: for the manual. */
void config_describe(void (*tell)(void *ctx, const struct config_help *help), void *ctx);
