/* SPDX-License-Identifier: BSD-3-Clause */
/* The set of profiles, and which of them a device has. */
#include "port/profile.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "port/port.h"

enum { FILE_BYTES_MAX = 16384 };

static const struct {
	const char *name, *text;
} built_in[] = {
#include "profiles.inc"
};

/* ---- Reading them ---- */

static struct port_profile *
slot_for(struct profiles *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(p->items[i].name, name) == 0)
			return &p->items[i];
	}
	struct port_profile *items = reallocarray(p->items, p->n + 1, sizeof(*items));
	if (!items)
		return NULL;
	p->items = items;
	return &items[p->n++];
}

/* path NULL: built in. */
static int
add(struct profiles *p, const char *name, const char *text, const char *path, struct err *err)
{
	struct port_profile parsed;
	if (strlen(name) >= sizeof(parsed.name))
		return err_set(err, -EINVAL, "%s: the name of a profile has at most 31 characters",
			path ? path : name);
	int rc = profile_parse(&parsed, text, path ? path : name, err);
	if (rc)
		return rc;
	struct port_profile *slot = slot_for(p, name);
	if (!slot)
		return err_set(err, -ENOMEM, "no memory for the driver profiles");
	snprintf(parsed.name, sizeof(parsed.name), "%s", name);
	snprintf(parsed.source, sizeof(parsed.source), "%s", path ? path : "built in");
	*slot = parsed;
	return 0;
}

static int
add_file(struct profiles *p, const char *folder, const char *file, struct err *err)
{
	char path[512], name[256], text[FILE_BYTES_MAX + 1];
	snprintf(path, sizeof(path), "%s/%s", folder, file);
	snprintf(name, sizeof(name), "%.*s", (int)(strlen(file) - 5), file);
	FILE *f = fopen(path, "re");
	if (!f)
		return err_set(err, -errno, "%s: cannot be read (%s)", path, strerror(errno));
	size_t n = fread(text, 1, sizeof(text), f);
	fclose(f);
	if (n > FILE_BYTES_MAX || memchr(text, 0, n))
		return err_set(err, -EINVAL, "%s: it is no driver profile (longer than %d bytes, "
			"or not text)", path, FILE_BYTES_MAX);
	text[n] = 0;
	return add(p, name, text, path, err);
}

static int
add_folder(struct profiles *p, const char *folder, struct err *err)
{
	DIR *d = opendir(folder);
	if (!d && errno != ENOENT)
		return err_set(err, -errno, "%s: cannot be read (%s)", folder, strerror(errno));
	int rc = 0;
	for (struct dirent *e = d ? readdir(d) : NULL; e && !rc; e = readdir(d)) {
		size_t n = strlen(e->d_name);
		if (e->d_name[0] != '.' && n > 5 && strcmp(e->d_name + n - 5, ".conf") == 0)
			rc = add_file(p, folder, e->d_name, err);
	}
	if (d)
		closedir(d);
	return rc;
}

int
profiles_load(struct profiles *out, const char *folder, struct err *err)
{
	int rc = 0;
	*out = (struct profiles){0};
	for (unsigned i = 0; i < ARRAY_COUNT(built_in) && !rc; i++)
		rc = add(out, built_in[i].name, built_in[i].text, NULL, err);
	if (!rc && folder)
		rc = add_folder(out, folder, err);
	if (rc)
		profiles_fini(out);
	return rc;
}

void
profiles_fini(struct profiles *p)
{
	free(p->items);
	*p = (struct profiles){0};
}

/* ---- Finding one ---- */

static const struct port_profile *
the_default(const struct profiles *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(p->items[i].name, "default") == 0)
			return &p->items[i];
	}
	return &p->items[0];
}

const struct port_profile *
profile_of_driver(const struct profiles *p, const char *driver)
{
	for (size_t i = 0; i < p->n; i++) {
		for (unsigned k = 0; k < p->items[i].n_drivers; k++) {
			if (strcmp(p->items[i].drivers[k], driver) == 0)
				return &p->items[i];
		}
	}
	return the_default(p);
}

const struct port_profile *
profile_of_pci(const struct profiles *p, uint16_t vendor, uint16_t device)
{
	for (size_t i = 0; i < p->n; i++) {
		for (unsigned k = 0; k < p->items[i].n_pci; k++) {
			const struct profile_pci *pci = &p->items[i].pci[k];
			if (pci->vendor == vendor &&
				(pci->device == device || pci->device == 0xffff))
				return &p->items[i];
		}
	}
	return the_default(p);
}

static unsigned
read_sysfs_hex(const char *address, const char *file)
{
	char path[128];
	unsigned v = 0;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.20s/%s", address, file);
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%x", &v) != 1)
		v = 0;
	fclose(f);
	return v;
}

static const struct port_profile *
by_pci_address(const struct profiles *p, const char *device)
{
	char address[24];
	unsigned domain = 0, bus, slot, function;
	if (sscanf(device, "%4x:%2x:%2x.%1u", &domain, &bus, &slot, &function) != 4) {
		domain = 0;
		if (sscanf(device, "%2x:%2x.%1u", &bus, &slot, &function) != 3)
			return the_default(p);
	}
	snprintf(address, sizeof(address), "%04x:%02x:%02x.%u", domain, bus, slot, function);
	return profile_of_pci(p, (uint16_t)read_sysfs_hex(address, "vendor"),
		(uint16_t)read_sysfs_hex(address, "device"));
}

/* The longest driver's name that a virtual device's string starts with. */
const struct port_profile *
profile_of_device(const struct profiles *p, const char *device)
{
	const struct port_profile *best = NULL;
	size_t best_bytes = 0;
	if (port_device_is_pci(device))
		return by_pci_address(p, device);
	for (size_t i = 0; i < p->n; i++) {
		for (unsigned k = 0; k < p->items[i].n_drivers; k++) {
			const char *driver = p->items[i].drivers[k];
			size_t n = strlen(driver);
			if (n <= best_bytes || strncmp(device, driver, n) != 0)
				continue;
			best = &p->items[i];
			best_bytes = n;
		}
	}
	return best ? best : the_default(p);
}

/* ---- Its arguments ---- */

static bool
has_argument(const char *device, const char *argument, size_t name_bytes)
{
	for (const char *at = strchr(device, ','); at; at = strchr(at + 1, ',')) {
		if (strncmp(at + 1, argument, name_bytes) == 0 && at[1 + name_bytes] == '=')
			return true;
	}
	return false;
}

void
profile_device_string(const struct profiles *p, const char *device,
	char out[PROFILE_DEVICE_BYTES])
{
	const char *argument = profile_of_device(p, device)->devargs;
	int n = snprintf(out, PROFILE_DEVICE_BYTES, "%s", device);
	while (*argument && n < PROFILE_DEVICE_BYTES) {
		size_t bytes = strcspn(argument, ",");
		if (!has_argument(device, argument, strcspn(argument, "=")))
			n += snprintf(out + n, PROFILE_DEVICE_BYTES - (size_t)n, ",%.*s",
				(int)bytes, argument);
		argument += bytes + (argument[bytes] == ',');
	}
}
