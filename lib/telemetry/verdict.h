/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What can become of a packet, and the stages of a worker's turn at which it can: declared once,
 * for the packet path that decides and for those who show what was decided.
 */
#pragma once

enum verdict {
	VERDICT_NONE = 0, /* on its way */
	VERDICT_TX,       /* out of the port out_link, as it stands */
	VERDICT_KERNEL,   /* to the twin of in_link */
	VERDICT_HANDOFF,  /* to the worker in `target` */
	VERDICT_KEPT,     /* parked: somebody else holds it now */
	VERDICT_DONE,     /* consumed: a keepalive, or copied into a mailbox */
	VERDICT_DROP,     /* `reason` says why */
};
enum { VERDICTS = VERDICT_DROP + 1 };

/* In the order in which a turn calls them. */
enum stage {
	STAGE_RX,
	STAGE_ORDERS, /* made or sent by order of control */
	STAGE_PARK,   /* waited too long */
	STAGE_CLASSIFY,
	STAGE_SESSIONS,
	STAGE_OPEN,
	STAGE_VERIFY,
	STAGE_NAT,    /* from a port, to a port of a translated flow */
	STAGE_FILTER, /* out of a tunnel, and once more, behind route, into one */
	STAGE_ROUTE,
	STAGE_PEERS,
	STAGE_SEAL,
	STAGE_ENCAP,
	STAGE_FINISH,
	STAGE_TX,
	STAGES,
};

/* How it is shown: "sent", "kernel", "handed-over", "waits", "consumed", "dropped". */
const char *verdict_name(enum verdict verdict);
/* "rx", "classify", … */
const char *stage_name(enum stage stage);
