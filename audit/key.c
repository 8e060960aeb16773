/* SPDX-License-Identifier: Apache-2.0
 *
 * audit/key.c - The user's signing key: Ed25519, made when first needed
 *
 * The file is one line, "ed25519 " and the seed in hexadecimal. It is written
 * under a name of its own and then linked, so that two sessions that start at
 * once agree on one key and nobody reads half of one.
 */
#include "audit/key.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/chain.h"
#include "common/cleanup.h"
#include "common/fdio.h"

static_assert(CHAIN_KEY_SIZE == crypto_sign_PUBLICKEYBYTES && CHAIN_SIG_SIZE == crypto_sign_BYTES,
	      "sizes of Ed25519");
static_assert(sizeof(((struct chain_key *)0)->secret) == crypto_sign_SECRETKEYBYTES, "sizes of Ed25519");

static const char head[] = "ed25519 ";
#define HEAD_LEN (sizeof(head) - 1)
#define FILE_LEN (HEAD_LEN + 2 * crypto_sign_SEEDBYTES + 1)

static int from_seed(struct chain_key *ret, const uint8_t seed[crypto_sign_SEEDBYTES])
{
	return crypto_sign_seed_keypair(ret->public, ret->secret, seed) == 0 ? 0 : -EIO;
}

static int load(struct chain_key *ret, const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	uint8_t seed[crypto_sign_SEEDBYTES];
	char text[FILE_LEN];
	struct stat st;
	int r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		return -EPERM;
	if (st.st_size != (off_t)sizeof(text))
		return -EBADMSG;
	r = fdio_read_full(fd, text, sizeof(text));
	if (r < 0)
		return r;
	if (memcmp(text, head, HEAD_LEN) != 0 || text[FILE_LEN - 1] != '\n' ||
	    !chain_unhex(seed, sizeof(seed), text + HEAD_LEN))
		r = -EBADMSG;
	else
		r = from_seed(ret, seed);
	sodium_memzero(seed, sizeof(seed));
	sodium_memzero(text, sizeof(text));
	return r;
}

static int write_new(const char *tmp)
{
	cleanup_fd int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	uint8_t seed[crypto_sign_SEEDBYTES];
	char text[FILE_LEN + 1];
	int r;

	if (fd < 0)
		return -errno;
	randombytes_buf(seed, sizeof(seed));
	memcpy(text, head, HEAD_LEN);
	chain_hex(text + HEAD_LEN, seed, sizeof(seed));
	text[FILE_LEN - 1] = '\n';
	r = fdio_write_full(fd, text, FILE_LEN);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	sodium_memzero(seed, sizeof(seed));
	sodium_memzero(text, sizeof(text));
	return r;
}

static int create(const char *path)
{
	char tmp[4096];
	int r, n = snprintf(tmp, sizeof(tmp), "%s.%d.%08x", path, (int)getpid(), randombytes_random());

	if (n < 0 || (size_t)n >= sizeof(tmp))
		return -ENAMETOOLONG;
	r = write_new(tmp);
	if (r == 0 && link(tmp, path) < 0 && errno != EEXIST)	/* EEXIST: another session was first, its key counts */
		r = -errno;
	(void)unlink(tmp);	/* 0600 and random: what is left of it hurts nobody */
	return r;
}

int key_load(struct chain_key *ret, const char *path, bool make)
{
	int r;

	if (sodium_init() < 0)
		return -EIO;
	r = load(ret, path);
	if (r != -ENOENT || !make)
		return r;
	r = create(path);
	return r < 0 ? r : load(ret, path);
}

void key_sign(const struct chain_key *k, const void *text, size_t len, uint8_t ret_sig[CHAIN_SIG_SIZE])
{
	(void)crypto_sign_detached(ret_sig, NULL, text, len, k->secret);	/* always 0 */
}

bool key_verify(const struct chain_key *k, const void *text, size_t len, const uint8_t sig[CHAIN_SIG_SIZE])
{
	return crypto_sign_verify_detached(sig, text, len, k->public) == 0;
}

void key_forget(struct chain_key *k)
{
	sodium_memzero(k, sizeof(*k));
}
