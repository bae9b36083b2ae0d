/* SPDX-License-Identifier: BSD-3-Clause */
#include "tailnet/times.h"

const struct tailnet_times tailnet_times_default = {
	.attempt_ms = 15000,
	.register_ms = 60000,
	.refused_ms = 30000,
	.check_ms = 30000,
	.expired_ms = 3000,
	.ping_ms = 30000,
	.pong_ms = 15000,
	.silence_ms = 120000,
	.steady_ms = 10000,
};

const struct tailnet_times tailnet_times_short = {
	.attempt_ms = 5000,
	.register_ms = 8000,
	.refused_ms = 3000,
	.check_ms = 8000,
	.expired_ms = 2000,
	.ping_ms = 4000,
	.pong_ms = 6000,
	.silence_ms = 120000,
	.steady_ms = 4000,
};
