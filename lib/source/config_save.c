/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/config_save.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "source/config.h"
#include "source/config_reader.h"
#include "source/key_file.h"
#include "source/safe_open.h"

enum { PREFIXES_A_LINE = 64 };

/* ---- The interface in the words of a config ---- */

static void
add_list(struct text *out, const char *key, const struct prefix_list *l)
{
	char text[PREFIX_TEXT_BYTES];
	for (size_t k = 0; k < l->n; k++)
		text_add(out, "%s = %s\n", key, prefix_format(&l->items[k], text));
}

static void
add_key(struct text *out, const char *name, const struct key *key)
{
	char text[KEY_BASE64_BYTES];
	key_to_base64(key, text);
	text_add(out, "%s = %s\n", name, text);
	secret_wipe(text, sizeof(text));
}

static void
add_table(struct text *out, const struct interface_intent *i)
{
	if (i->table == TABLE_OFF)
		text_add(out, "Table = off\n");
	else if (i->table == TABLE_NUMBER)
		text_add(out, "Table = %u\n", i->table_id);
}

/* What wg-quick acts on, then what wg does. */
static void
add_interface(struct text *out, const struct interface_intent *i, const struct config_live *live)
{
	uint16_t listen_port = live->listen_port ? live->listen_port : i->listen_port;
	add_list(out, "Address", live->addresses ? live->addresses : &i->addresses);
	if (i->dns)
		text_add(out, "DNS = %s\n", i->dns);
	if (i->mtu)
		text_add(out, "MTU = %u\n", i->mtu);
	if (i->keeps_mss)
		text_add(out, "ClampMSS = no\n");
	add_list(out, "SNAT", &i->snat);
	add_table(out, i);
	if (i->save_path)
		text_add(out, "SaveConfig = true\n");
	for (size_t k = 0; k < i->hooks.n; k++)
		text_add(out, "%s = %s\n", hook_when_name(i->hooks.items[k].when),
			i->hooks.items[k].command);
	if (listen_port)
		text_add(out, "ListenPort = %u\n", listen_port);
	char text[ADDR_TEXT_BYTES];
	for (unsigned k = 0; k < i->n_listen_addrs; k++)
		text_add(out, "ListenAddress = %s\n", addr_format(&i->listen_addrs[k], text));
	if (i->fwmark)
		text_add(out, "FwMark = 0x%x\n", i->fwmark);
}

static void
add_allowed(struct text *out, const struct peer_intent *p)
{
	char text[PREFIX_TEXT_BYTES];
	unsigned n = 0;
	for (const struct allowed_intent *a = p->first_allowed; a; a = a->next, n++) {
		const char *before = n % PREFIXES_A_LINE ? ", " : n ? "\nAllowedIPs = " :
			"AllowedIPs = ";
		text_add(out, "%s%s", before, prefix_format(&a->prefix, text));
	}
	text_add(out, "%s", n ? "\n" : "");
}

/* A name stays a name: the next start looks it up again. */
static void
add_endpoint(struct text *out, const struct peer_intent *p, const struct config_live *live)
{
	struct endpoint e = p->endpoint.addr;
	char text[ENDPOINT_TEXT_BYTES];
	if (p->endpoint.host) {
		text_add(out, "Endpoint = %s:%u\n", p->endpoint.host, p->endpoint.host_port);
		return;
	}
	if (live->endpoint && !live->endpoint(live->ctx, &p->public_key, &e))
		e = p->endpoint.addr;
	if (endpoint_is_known(&e))
		text_add(out, "Endpoint = %s\n", endpoint_format(&e, text));
}

static void
add_peer(struct text *out, const struct peer_intent *p, const struct config_live *live)
{
	text_add(out, "\n[Peer]\n");
	if (p->name[0])
		text_add(out, "Name = %s\n", p->name);
	add_key(out, "PublicKey", &p->public_key);
	if (p->has_psk)
		add_key(out, "PresharedKey", &p->psk);
	add_allowed(out, p);
	add_endpoint(out, p, live);
	if (p->keepalive_s)
		text_add(out, "PersistentKeepalive = %u\n", p->keepalive_s);
}

static void
format_with_key(struct text *out, const struct interface_intent *i,
	const struct config_live *live, const char *file, const char *key_file)
{
	char name[INTENT_NAME_BYTES] = "";
	if (file)
		config_name_from_file(file, name);
	text_add(out, "[Interface]\n");
	if (strcmp(name, i->name) != 0)
		text_add(out, "Name = %s\n", i->name);
	add_interface(out, i, live);
	if (key_file)
		text_add(out, "PrivateKeyFile = %s\n", key_file);
	else if (i->has_key)
		add_key(out, "PrivateKey", &i->private_key);
	for (const struct peer_intent *p = i->peers.first; p; p = p->next)
		add_peer(out, p, live);
}

void
config_format(struct text *out, const struct interface_intent *i, const struct config_live *live,
	const char *file)
{
	format_with_key(out, i, live, file, NULL);
}

/* ---- What of the old text stays ---- */

struct old_text {
	struct text kept;       /* sections that are neither */
	char key_file[PATH_MAX]; /* of PrivateKeyFile; empty: none */
	bool is_ours;           /* in [Interface] or [Peer] */
};

/* Whether the line is a header of one of the two that are written anew. */
static bool
begins_ours(const char *line, size_t n)
{
	return (n >= 11 && strncasecmp(line, "[Interface]", 11) == 0) ||
		(n >= 6 && strncasecmp(line, "[Peer]", 6) == 0);
}

static void
note_key_file(struct old_text *o, const char *line, size_t n)
{
	static const char key[] = "PrivateKeyFile";
	char value[PATH_MAX + 64];
	if (n < sizeof(key) || n >= sizeof(value) || strncasecmp(line, key, sizeof(key) - 1) != 0)
		return;
	snprintf(value, sizeof(value), "%.*s", (int)(n - (sizeof(key) - 1)),
		line + sizeof(key) - 1);
	value[strcspn(value, "#")] = 0;
	char *at = value_trim(value);
	if (*at == '=')
		snprintf(o->key_file, sizeof(o->key_file), "%s", value_trim(at + 1));
}

static void
take_line(struct old_text *o, const char *line, size_t n_bytes)
{
	size_t skip = 0, n = n_bytes;
	while (skip < n && (line[skip] == ' ' || line[skip] == '\t'))
		skip++;
	if (n > skip && line[skip] == '[')
		o->is_ours = begins_ours(line + skip, n - skip);
	if (!o->is_ours)
		text_add_bytes(&o->kept, line, n_bytes);
	else
		note_key_file(o, line + skip, n - skip);
}

static int
read_old(int fd, const char *path, struct old_text *o, struct err *err)
{
	struct text all;
	text_init(&all);
	int rc = config_read_whole(fd, path, &all, err);
	for (size_t at = 0; !rc && at < all.n_bytes;) {
		const char *newline = memchr(all.data + at, '\n', all.n_bytes - at);
		size_t n = newline ? (size_t)(newline - all.data) + 1 - at : all.n_bytes - at;
		take_line(o, all.data + at, n);
		at += n;
	}
	text_fini(&all);
	return rc;
}

/* The key stays in its file while it is the one that is there. */
static bool
key_is_in(const char *key_file, const struct key *key)
{
	struct key k;
	struct err why;
	if (!*key_file || key_file_read(key_file, &k, &why))
		return false;
	interface_clamp_key(&k);
	bool is_it = key_is_equal(&k, key);
	secret_wipe(&k, sizeof(k));
	return is_it;
}

/* ---- The file ---- */

static int
write_whole(int fd, const char *data, size_t n_bytes)
{
	while (n_bytes) {
		ssize_t n = write(fd, data, n_bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		n_bytes -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* A new name is safe on the disk only once its folder is. */
static void
sync_folder(const char *path)
{
	char folder[PATH_MAX];
	snprintf(folder, sizeof(folder), "%s", path);
	char *slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = 0;
	int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
}

static int
replace(const char *path, const struct stat *old, const struct text *t)
{
	char beside[PATH_MAX];
	if ((size_t)snprintf(beside, sizeof(beside), "%s.XXXXXX", path) >= sizeof(beside))
		return -ENAMETOOLONG;
	int fd = mkostemp(beside, O_CLOEXEC); /* 0600 */
	if (fd < 0)
		return -errno;
	bool is_ours = old->st_uid == geteuid() && old->st_gid == getegid();
	int rc = !is_ours && fchown(fd, old->st_uid, old->st_gid) < 0 ? -errno : 0;
	if (!rc)
		rc = write_whole(fd, t->data, t->n_bytes);
	close(fd);
	if (!rc && rename(beside, path) < 0)
		rc = -errno;
	if (rc)
		(void)unlink(beside);
	else
		sync_folder(path);
	return rc;
}

static int
save(const struct interface_intent *i, const struct config_live *live, const char *path,
	struct err *err)
{
	struct old_text o = {.is_ours = false};
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	text_init(&o.kept);
	int rc = fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ?
		err_set(err, -EINVAL, "%s is no regular file", path) :
		read_old(fd, path, &o, err);
	close(fd);
	if (!rc) {
		bool has_file = key_is_in(o.key_file, &i->private_key);
		if (o.kept.n_bytes && o.kept.data[o.kept.n_bytes - 1] != '\n')
			text_add(&o.kept, "\n");
		format_with_key(&o.kept, i, live, i->save_path,
			has_file ? o.key_file : NULL);
		rc = o.kept.failed ? -ENOMEM : replace(path, &st, &o.kept);
		if (rc)
			err_set(err, rc, "cannot write %s: %s", path, strerror(-rc));
	}
	text_fini(&o.kept);
	return rc;
}

int
config_save(const struct interface_intent *i, const struct config_live *live, struct err *err)
{
	struct err note;
	/* The way may have changed since: root writes only where nobody else can turn it. */
	int fd = safe_open(i->save_path, O_NONBLOCK, &note, err);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 && note.text[0])
		fd = err_set(err, -EPERM, "%s", note.text);
	if (fd < 0)
		return err_prefix(err, fd, "SaveConfig of %s", i->name);
	/* A link stays a link: what it leads to is replaced. */
	char *path = realpath(i->save_path, NULL);
	int rc = path ? save(i, live, path, err) :
		err_set(err, -errno, "cannot find %s: %s", i->save_path, strerror(errno));
	free(path);
	return rc ? err_prefix(err, rc, "SaveConfig of %s", i->name) : 0;
}
