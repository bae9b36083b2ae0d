/* SPDX-License-Identifier: BSD-3-Clause */
/* A fresh scene for each test, and what tests say of it most. Include after cmocka.h. */
#pragma once

#include "scene.h"
#include "wire/ip.h"
#include "wire/wg.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static inline int
setup(void **state)
{
	static struct scene scene;
	scene_create(&scene, 2);
	*state = &scene;
	return 0;
}

/* Whatever happened to packets: none is lost. */
static inline int
teardown(void **state)
{
	scene_destroy(*state);
	assert_int_equal(scene_buffers_used(), 0);
	return 0;
}

/* One frame into a port, one turn. */
static inline void
put(struct scene *s, enum scene_port port, struct rte_mbuf *m)
{
	scene_put(port, m);
	scene_turn(s);
}

static inline void
assert_dropped(struct scene *s, enum drop_reason reason)
{
	assert_int_equal(scene_drops(s, reason), 1);
	assert_int_equal(scene_all_drops(s), 1);
	assert_true(scene_is_silent(s));
}

static inline void
assert_kernels(struct scene *s)
{
	struct rte_mbuf *m = scene_take_kernel(s);
	assert_non_null(m);
	rte_pktmbuf_free(m);
	assert_int_equal(scene_all_drops(s), 0);
	assert_true(scene_is_silent(s));
}

static inline void
assert_sent(struct scene *s, enum scene_port port)
{
	struct rte_mbuf *m = scene_take(port);
	assert_non_null(m);
	rte_pktmbuf_free(m);
	assert_int_equal(scene_all_drops(s), 0);
	assert_true(scene_is_silent(s));
}
