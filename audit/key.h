/* SPDX-License-Identifier: Apache-2.0
 *
 * audit/key.h - The user's signing key: Ed25519, made when first needed
 */
#ifndef AUDIT_KEY_H
#define AUDIT_KEY_H

#include <stdint.h>

#include "common/base.h"

#define CHAIN_KEY_SIZE 32
#define CHAIN_SIG_SIZE 64

/** struct chain_key - In memory. Wipe with key_forget(). */
struct chain_key {
	uint8_t public[CHAIN_KEY_SIZE];
	uint8_t secret[64];
};

/**
 * key_load() - Read the key of @path, or make it
 * @make:	Make it (0600, beneath an existing directory) where there is none
 *
 * A file that is not ours, that others may read, or that is a link is refused.
 *
 * Return: 0; -ENOENT; -EPERM not private; -EBADMSG not a key; -errno
 */
int key_load(struct chain_key *ret, const char *path, bool make) MUST_USE;
void key_sign(const struct chain_key *k, const void *text, size_t len, uint8_t ret_sig[CHAIN_SIG_SIZE]);
bool key_verify(const struct chain_key *k, const void *text, size_t len, const uint8_t sig[CHAIN_SIG_SIZE]);
void key_forget(struct chain_key *k);

#endif /* AUDIT_KEY_H */
