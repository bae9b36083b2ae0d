/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/verdict.h"

const char *
verdict_name(enum verdict verdict)
{
	static const char *const names[VERDICTS] = {
		[VERDICT_NONE] = "none",
		[VERDICT_TX] = "sent",
		[VERDICT_KERNEL] = "kernel",
		[VERDICT_HANDOFF] = "handed-over",
		[VERDICT_KEPT] = "waits",
		[VERDICT_DONE] = "consumed",
		[VERDICT_DROP] = "dropped",
	};
	return names[verdict];
}

const char *
stage_name(enum stage stage)
{
	static const char *const names[STAGES] = {
		[STAGE_RX] = "rx",
		[STAGE_ORDERS] = "orders",
		[STAGE_PARK] = "park",
		[STAGE_CLASSIFY] = "classify",
		[STAGE_SESSIONS] = "sessions",
		[STAGE_OPEN] = "open",
		[STAGE_VERIFY] = "verify",
		[STAGE_NAT] = "nat",
		[STAGE_FILTER] = "filter",
		[STAGE_ROUTE] = "route",
		[STAGE_PEERS] = "peers",
		[STAGE_SEAL] = "seal",
		[STAGE_ENCAP] = "encap",
		[STAGE_FINISH] = "finish",
		[STAGE_TX] = "tx",
	};
	return names[stage];
}
