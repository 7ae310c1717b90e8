#include <dlfcn.h>
#include <openssl/evp.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>

#include "base/library.h"
#include "streamsum/sha256.h"

#ifndef ZR_LIBCRYPTO
#define TEXT_OF(word)	#word
#define TEXT(word)	TEXT_OF(word)
#define ZR_LIBCRYPTO	"libcrypto.so." TEXT(OPENSSL_SHLIB_VERSION)
#endif

#define EARLY_MAX	(16u << 10)	/* bytes of one sum that libmd makes, and of */
#define EARLY_ALL	(256u << 10)	/* all of them, as it is slower */

static size_t early_all;
static bool loaded;

static struct {
	EVP_MD_CTX *(*new_context)(void);
	void (*free_context)(EVP_MD_CTX *context);
	const EVP_MD *(*sha256)(void);
	int (*begin)(EVP_MD_CTX *context, const EVP_MD *type, ENGINE *engine);
	int (*add)(EVP_MD_CTX *context, const void *bytes, size_t length);
	int (*end)(EVP_MD_CTX *context, unsigned char *sum, unsigned int *length);
} crypto;

static bool
load(void)
{
	void *library;

	if (loaded)
		return (true);
	library = dlopen(ZR_LIBCRYPTO, RTLD_NOW | RTLD_LOCAL);
	loaded = library != NULL &&
	    library_find(library, "EVP_MD_CTX_new", &crypto.new_context) &&
	    library_find(library, "EVP_MD_CTX_free", &crypto.free_context) &&
	    library_find(library, "EVP_sha256", &crypto.sha256) &&
	    library_find(library, "EVP_DigestInit_ex", &crypto.begin) &&
	    library_find(library, "EVP_DigestUpdate", &crypto.add) &&
	    library_find(library, "EVP_DigestFinal_ex", &crypto.end);
	return (loaded);
}

static void
begin(struct sha256 *sha256)
{
	if (sha256->context == NULL && load())
		sha256->context = crypto.new_context();
	if (sha256->context == NULL ||
	    crypto.begin(sha256->context, crypto.sha256(), NULL) != 1)
		sha256->failed = true;
}

void
sha256_begin(struct sha256 *sha256)
{
	sha256->early_length = 0;
	if (!loaded && early_all < EARLY_ALL && (sha256->early != NULL ||
	    (sha256->early = malloc(EARLY_MAX)) != NULL))
		return;
	free(sha256->early);
	sha256->early = NULL;
	begin(sha256);
}

/* It is more than a little: OpenSSL's from here on. */
static void
go_on(struct sha256 *sha256)
{
	begin(sha256);
	if (!sha256->failed &&
	    crypto.add(sha256->context, sha256->early, sha256->early_length) != 1)
		sha256->failed = true;
	free(sha256->early);
	sha256->early = NULL;
}

void
sha256_add(struct sha256 *sha256, const void *bytes, size_t length)
{
	if (sha256->early != NULL && length <= EARLY_MAX - sha256->early_length) {
		memcpy(sha256->early + sha256->early_length, bytes, length);
		sha256->early_length += length;
		early_all += length;
		return;
	}
	if (sha256->early != NULL)
		go_on(sha256);
	if (!sha256->failed && crypto.add(sha256->context, bytes, length) != 1)
		sha256->failed = true;
}

void
sha256_end(struct sha256 *sha256, uint8_t sum[SHA256_SIZE])
{
	SHA2_CTX context;

	if (sha256->early != NULL) {
		SHA256Init(&context);
		SHA256Update(&context, sha256->early, sha256->early_length);
		SHA256Final(sum, &context);
	} else if (!sha256->failed && crypto.end(sha256->context, sum, NULL) != 1)
		sha256->failed = true;
}

void
sha256_free(struct sha256 *sha256)
{
	if (sha256->context != NULL)
		crypto.free_context(sha256->context);
	free(sha256->early);
	*sha256 = (struct sha256){ .context = NULL };
}
