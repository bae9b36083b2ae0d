/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mailboxes: whole mails, oldest first, a full box refuses; many senders lose and repeat nothing.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <rte_eal.h>

#include "mailbox/mail.h"

enum { N_SENDERS = 4, MAILS_EACH = 20000, SLOTS = 256 };

static void
order_and_bounds(void **state)
{
	struct mailbox *box = mailbox_create("t-order", sizeof(struct event_mail), 8);
	struct event_mail in = {0}, out[16];
	unsigned n = 0;
	assert_non_null(box);
	assert_int_equal(mailbox_take(box, out, 16), 0);
	for (in.peer_id = 0; mailbox_put(box, &in); in.peer_id++)
		n++;
	assert_int_equal(n, 7); /* a ring of 8 keeps one slot free */
	assert_int_equal(mailbox_count(box), n);
	assert_int_equal(mailbox_take(box, out, 3), 3);
	assert_true(mailbox_put(box, &in)); /* refused before, there is room again */
	assert_int_equal(mailbox_take(box, out + 3, 13), n - 2);
	for (unsigned i = 0; i < n + 1; i++)
		assert_int_equal(out[i].peer_id, i);
	assert_int_equal(mailbox_count(box), 0);
	mailbox_destroy(box);
}

struct sender {
	pthread_t thread;
	struct mailbox *box;
	uint16_t id;
};

/* Every byte of a mail depends on who sent it and when, so a torn one would show. */
static void
fill(struct wire_mail *mail, uint16_t id, uint32_t serial)
{
	memset(mail, 0, sizeof(*mail));
	mail->worker = id;
	mail->received_ns = serial;
	memset(mail->message, (int)(id * 61 + serial * 7), sizeof(mail->message));
}

static void *
send_all(void *arg)
{
	struct sender *s = arg;
	struct wire_mail mail;
	for (uint32_t i = 0; i < MAILS_EACH; i++) {
		fill(&mail, s->id, i);
		while (!mailbox_put(s->box, &mail))
			usleep(1);
	}
	return NULL;
}

static void
many_senders(void **state)
{
	struct mailbox *box = mailbox_create("t-many", sizeof(struct wire_mail), SLOTS);
	struct sender senders[N_SENDERS];
	uint32_t next[N_SENDERS] = {0};
	struct wire_mail mails[16], expected;
	assert_non_null(box);
	for (uint16_t i = 0; i < N_SENDERS; i++) {
		senders[i] = (struct sender){.box = box, .id = i};
		assert_int_equal(
			pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
	}
	for (unsigned total = 0; total < N_SENDERS * MAILS_EACH;) {
		unsigned n = mailbox_take(box, mails, 16);
		for (unsigned i = 0; i < n; i++) {
			uint16_t id = mails[i].worker;
			assert_true(id < N_SENDERS);
			fill(&expected, id, next[id]++);
			assert_memory_equal(&mails[i], &expected, sizeof(expected));
		}
		total += n;
		if (!n)
			usleep(1);
	}
	for (unsigned i = 0; i < N_SENDERS; i++)
		pthread_join(senders[i].thread, NULL);
	assert_int_equal(mailbox_count(box), 0);
	mailbox_destroy(box);
}

static void
whole_set(void **state)
{
	struct mailboxes boxes;
	struct order_mail order = {.kind = ORDER_KEEPALIVE, .peer_id = 3}, got;
	assert_int_equal(mailboxes_init(&boxes, 2), 0);
	assert_true(mailbox_put(boxes.orders[1], &order));
	assert_int_equal(mailbox_take(boxes.orders[0], &got, 1), 0);
	assert_int_equal(mailbox_take(boxes.orders[1], &got, 1), 1);
	assert_int_equal(got.peer_id, 3);
	/* Names are taken: a second set fails and leaves nothing behind. */
	struct mailboxes second;
	assert_true(mailboxes_init(&second, 1) < 0);
	mailboxes_fini(&boxes);
	assert_int_equal(mailboxes_init(&second, 1), 0);
	mailboxes_fini(&second);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_and_bounds),
		cmocka_unit_test(many_senders),
		cmocka_unit_test(whole_set),
	};
	char prefix[40], *argv[] = {(char[]){"test"}, (char[]){"--no-huge"}, (char[]){"--no-pci"},
		(char[]){"--no-shconf"}, (char[]){"--no-telemetry"}, (char[]){"-m64"},
		(char[]){"--log-level=error"}, (char[]){"-l0"}, prefix};
	cpu_set_t cpus;
	sched_getaffinity(0, sizeof(cpus), &cpus);
	snprintf(prefix, sizeof(prefix), "--file-prefix=hg-test-%d", (int)getpid());
	if (rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])), argv) < 0)
		return 1;
	/* EAL has bound this thread to one core; the senders are to run beside it. */
	sched_setaffinity(0, sizeof(cpus), &cpus);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
