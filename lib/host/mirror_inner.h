/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two halves of the mirror share. Nobody else includes this. */
#pragma once

#include <errno.h>
#include <libmnl/libmnl.h>

#include "base/log.h"
#include "host/mirror.h"
#include "host/objects.h"

enum { MIRROR_BUF_BYTES = 64 << 10 };

struct mirror {
	struct mirror_observer observer;
	struct objects tables[NET_N_KINDS];
	uint32_t round[NET_N_KINDS];
	unsigned due;      /* bit k: kind k waits for a dump */
	unsigned dumping;  /* the kind whose dump is under way, or NET_N_KINDS */
	uint32_t seq;      /* of that dump */
	bool is_torn;      /* that dump missed something and has to be done again */
	bool is_drained;   /* the socket had nothing more when it was read last */
	bool has_news;     /* the observer was told something since it was last settled */
	struct mirror_stats stats;
	struct log_limit limit;
	struct mnl_socket *socket; /* NULL: detached */
	uint8_t buf[MIRROR_BUF_BYTES] __attribute__((aligned(8)));
};
