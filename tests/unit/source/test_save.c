/* SPDX-License-Identifier: BSD-3-Clause */
/* SaveConfig: what is written is read as the same, and what is not ours in the file survives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "intent/change.h"
#include "source/config.h"
#include "source/config_save.h"

#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "EXAMPLExEXAMPLExEXAMPLExEXAMPLExEXAMPLExAAA="
#define KEY_C "SPOKExONExSPOKExONExSPOKExONExSPOKExONExAAA="

static const char all_keys[] =
	"[Interface]\nPrivateKey = " KEY_A "\nListenPort = 51820\nFwMark = 0x7\n"
	"ListenAddress = 203.0.113.2, 2001:db8::2\n"
	"Address = 10.0.0.1/24, fd00::1/64\nMTU = 1380\nTable = 99\nClampMSS = no\n"
	"SNAT = 192.168.10.0/24, ::/0\n"
	"DNS = 10.0.0.1, example.org\nSaveConfig = true\n"
	"PreUp = echo 'a = b'; true\nPostUp = wg set %i fwmark 7\nPostDown = last\nPreDown = x\n"
	"[Peer]\nName = site-b\nPublicKey = " KEY_B "\nPresharedKey = " KEY_C "\n"
	"AllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = vpn.example.com:51820\n"
	"PersistentKeepalive = 25\n"
	"[Peer]\nPublicKey = " KEY_C "\nEndpoint = [2001:db8::7]:1\n";

static const char *const texts[] = {
	all_keys,
	"[Interface]\n",
	"[Interface]\nTable = off\nPrivateKey = " KEY_A "\n[Peer]\nPublicKey = " KEY_B "\n",
	"[Interface]\nTable = main\nName = other\nSaveConfig = true\n",
};

static struct intent *
read_text(const char *text)
{
	struct err err = {""};
	struct intent *it = intent_create();
	if (config_parse(it, "wg0.conf", text, strlen(text), &err))
		fail_msg("%s: %s", err.text, text);
	return it;
}

static void
assert_equal(const struct intent *a, const struct intent *b)
{
	struct change_list l;
	char text[512];
	change_list_init(&l);
	assert_int_equal(intent_diff(a, b, &l), 0);
	if (l.n)
		fail_msg("%s", change_format(&l.items[0], text));
	change_list_fini(&l);
}

static void
what_is_written_is_read_as_the_same(void **state)
{
	static const struct config_live nothing;
	for (size_t k = 0; k < ARRAY_COUNT(texts); k++) {
		struct intent *a = read_text(texts[k]);
		struct text out;
		text_init(&out);
		config_format(&out, a->interfaces[0], &nothing, "wg0.conf");
		assert_false(out.failed);
		struct intent *b = read_text(out.data);
		assert_equal(a, b);
		text_fini(&out);
		intent_destroy(a);
		intent_destroy(b);
	}
}

/* Who adds a key adds it to all_keys, and the test above says whether it is written. */
static void
look_for(void *ctx, const struct config_help *help)
{
	bool is_saved = strcmp(help->section, "Interface") == 0 ||
		strcmp(help->section, "Peer") == 0;
	if (is_saved && strcmp(help->key, "PrivateKeyFile") != 0 && !strstr(all_keys, help->key))
		fail_msg("%s is not in all_keys", help->key);
}

static void
all_keys_are_all(void **state)
{
	config_describe(look_for, NULL);
}

/* ---- Files ---- */

static char folder[] = "/tmp/hg-save-XXXXXX";
static char path[64];
static uid_t owner;

static bool
roamed(void *ctx, const struct key *peer, struct endpoint *out)
{
	return endpoint_parse("198.51.100.9:4242", out) == 0;
}

static void
write_file(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(name, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(name, mode), 0);
}

static const char *
file_text(void)
{
	static char text[8192];
	FILE *f = fopen(path, "r");
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = 0;
	return text;
}

static int
save_file(struct err *err)
{
	const struct config_live live = {.listen_port = 41234, .endpoint = roamed};
	struct intent *it = intent_create();
	if (config_load(it, path, err))
		fail_msg("%s", err->text);
	assert_int_equal(lchown(path, owner, 34), 0);
	int rc = config_save(it->interfaces[0], &live, err);
	intent_destroy(it);
	return rc;
}

static unsigned
count_files(void)
{
	unsigned n = 0;
	DIR *d = opendir(folder);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
other_sections_survive(void **state)
{
	static const char ours[] = "# the gateway\n[Gateway]\nWorkers = 1 # not 2\n\n";
	static const char port[] = "[Port wan]\nDevice = net_null0\n# its address\nMTU = 1500";
	char text[4096];
	struct err err = {""};
	struct stat st;
	snprintf(text, sizeof(text), "%s%s%s", ours, all_keys, port);
	write_file(path, text, 0644);
	owner = 12;
	assert_int_equal(save_file(&err), 0);
	owner = 0;
	const char *now = file_text();
	assert_non_null(strstr(now, ours));
	assert_non_null(strstr(now, port));
	assert_non_null(strstr(now, "ListenPort = 41234\n"));
	assert_non_null(strstr(now, "Endpoint = vpn.example.com:51820\n"));
	assert_non_null(strstr(now, "Endpoint = 198.51.100.9:4242\n"));
	assert_null(strstr(now, "Name = wg0"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_uid, 12);
	assert_int_equal(st.st_gid, 34);
	assert_int_equal(count_files(), 1);
}

static void
a_key_file_stays_one(void **state)
{
	char key[80], text[4096];
	struct err err = {""};
	snprintf(key, sizeof(key), "%s/key", folder);
	write_file(key, KEY_A "\n", 0600);
	snprintf(text, sizeof(text), "[Interface]\nPrivateKeyFile = %s # here\nSaveConfig = true\n",
		key);
	write_file(path, text, 0600);
	assert_int_equal(save_file(&err), 0);
	assert_non_null(strstr(file_text(), "PrivateKeyFile = "));
	assert_null(strstr(file_text(), KEY_A));
	unlink(key);
}

static void
a_link_stays_a_link(void **state)
{
	char target[80];
	struct err err = {""};
	struct stat st;
	snprintf(target, sizeof(target), "%s/real", folder);
	write_file(target, all_keys, 0600);
	unlink(path);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(save_file(&err), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_null(strstr(file_text(), "Name = wg0"));
	unlink(path);
	unlink(target);
}

static void
what_cannot_be_written_is_said(void **state)
{
	static const struct config_live nothing;
	struct err err = {""};
	struct intent *it = read_text(all_keys);
	assert_int_equal(intent_text_set(&it->interfaces[0]->save_path, "/nowhere/wg0.conf"), 0);
	assert_int_equal(config_save(it->interfaces[0], &nothing, &err), -ENOENT);
	assert_string_equal(err.text, "SaveConfig of wg0: cannot open /nowhere/wg0.conf: No such "
				      "file or directory");
	assert_int_equal(intent_text_set(&it->interfaces[0]->save_path, folder), 0);
	assert_int_equal(config_save(it->interfaces[0], &nothing, &err), -EINVAL);
	/* A link that somebody else may point where they like. */
	unlink(path);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	if (geteuid() == 0 && lchown(path, 65534, (gid_t)-1) == 0) {
		assert_int_equal(intent_text_set(&it->interfaces[0]->save_path, path), 0);
		assert_int_equal(config_save(it->interfaces[0], &nothing, &err), -EPERM);
		assert_non_null(strstr(err.text, "symbolic link of user 65534"));
	}
	unlink(path);
	intent_destroy(it);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_as_the_same),
		cmocka_unit_test(all_keys_are_all),
		cmocka_unit_test(other_sections_survive),
		cmocka_unit_test(a_key_file_stays_one),
		cmocka_unit_test(a_link_stays_a_link),
		cmocka_unit_test(what_cannot_be_written_is_said),
	};
	if (geteuid() != 0)
		return 77;
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/wg0.conf", folder);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(folder);
	return rc;
}
