#include <stdlib.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "tls/tls_keys.h"

#define SECRET_MAX 48		/* SHA-384 */
#define SALT_SIZE 4		/* of AES-GCM in TLS 1.2 */
#define PARAMETERS_MAX 8

/* The secrets of TLS 1.3; OpenSSL hands them to nothing but a key log. */
struct secrets {
	uint8_t client[SECRET_MAX], server[SECRET_MAX];
	size_t client_size, server_size;	/* 0: not known */
};

static void
free_secrets(void *parent, void *secrets, CRYPTO_EX_DATA *data, int index,
    long number, void *pointer)
{
	(void)parent, (void)data, (void)index, (void)number, (void)pointer;
	freezero(secrets, sizeof(struct secrets));
}

/* The index at which they are kept with an SSL; -1 if there is no room. */
static int
secrets_index(void)
{
	static int index = -1;

	if (index == -1)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_secrets);
	return (index);
}

/* The last of a line's three words, in hex; 0 if it is invalid. */
static size_t
decode_secret(uint8_t secret[SECRET_MAX], const char *line)
{
	const char *hex = strrchr(line, ' ');
	size_t size;

	if (hex == NULL || OPENSSL_hexstr2buf_ex(secret, SECRET_MAX, &size,
	    hex + 1, '\0') != 1)
		return (0);
	return (size);
}

void
tls_keys_note(const SSL *ssl, const char *line)
{
	static const char client[] = "CLIENT_TRAFFIC_SECRET_0 ";
	static const char server[] = "SERVER_TRAFFIC_SECRET_0 ";
	struct secrets *secrets = SSL_get_ex_data(ssl, secrets_index());

	if (secrets == NULL) {
		secrets = calloc(1, sizeof(*secrets));
		/* The callback's SSL is const by mistake: see s_client. */
		if (secrets == NULL || SSL_set_ex_data((SSL *)(uintptr_t)ssl,
		    secrets_index(), secrets) != 1) {
			free(secrets);
			return;
		}
	}
	if (strncmp(line, client, sizeof(client) - 1) == 0)
		secrets->client_size = decode_secret(secrets->client, line);
	if (strncmp(line, server, sizeof(server) - 1) == 0)
		secrets->server_size = decode_secret(secrets->server, line);
}

static int
derive(const char *function, OSSL_PARAM *parameters, uint8_t *out, size_t size)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, function, NULL);
	EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
	const int done = context != NULL &&
	    EVP_KDF_derive(context, out, size, parameters) == 1;

	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
	return (done ? 0 : -1);
}

static OSSL_PARAM
bytes(const char *name, const void *value, size_t size)
{
	return (OSSL_PARAM_construct_octet_string(name,
	    (void *)(uintptr_t)value, size));
}

static OSSL_PARAM
text(const char *name, const char *value)
{
	return (OSSL_PARAM_construct_utf8_string(name,
	    (char *)(uintptr_t)value, 0));
}

/* HKDF-Expand-Label(secret, label, "", size) */
static int
expand(const char *digest, const uint8_t *secret, size_t secret_size,
    const char *label, uint8_t *out, size_t size)
{
	OSSL_PARAM parameters[PARAMETERS_MAX] = {
		text(OSSL_KDF_PARAM_MODE, "EXPAND_ONLY"),
		text(OSSL_KDF_PARAM_DIGEST, digest),
		bytes(OSSL_KDF_PARAM_KEY, secret, secret_size),
		bytes(OSSL_KDF_PARAM_PREFIX, "tls13 ", 6),
		bytes(OSSL_KDF_PARAM_LABEL, label, strlen(label)),
		OSSL_PARAM_construct_end(),
	};

	return (derive(OSSL_KDF_NAME_TLS1_3_KDF, parameters, out, size));
}

static int
derive_new(const char *digest, const uint8_t *secret, size_t secret_size,
    struct kernel_tls_keys *keys)
{
	keys->sequence = 0;
	if (secret_size == 0 || expand(digest, secret, secret_size, "key", keys->key,
	    kernel_tls_key_size(keys->cipher)) == -1)
		return (-1);
	return (expand(digest, secret, secret_size, "iv", keys->iv,
	    sizeof(keys->iv)));
}

/* Both directions' from one block: the keys, then the secret parts of IVs. */
static int
derive_old(const SSL *ssl, const char *digest, struct kernel_tls_keys *client,
    struct kernel_tls_keys *server)
{
	uint8_t master[SSL_MAX_MASTER_KEY_LENGTH];
	uint8_t seed[2 * SSL3_RANDOM_SIZE];
	uint8_t block[2 * (KERNEL_TLS_KEY_MAX + KERNEL_TLS_IV_SIZE)];
	const size_t key_size = kernel_tls_key_size(client->cipher);
	const size_t iv_size =
	    client->cipher == KERNEL_TLS_CHACHA20_POLY1305 ? KERNEL_TLS_IV_SIZE :
	    SALT_SIZE;
	OSSL_PARAM parameters[PARAMETERS_MAX] = {
		text(OSSL_KDF_PARAM_DIGEST, digest),
		bytes(OSSL_KDF_PARAM_SECRET, master,
		    SSL_SESSION_get_master_key(SSL_get_session(ssl), master,
		    sizeof(master))),
		bytes(OSSL_KDF_PARAM_SEED, "key expansion", 13),
		bytes(OSSL_KDF_PARAM_SEED, seed, sizeof(seed)),
		OSSL_PARAM_construct_end(),
	};
	int result;

	SSL_get_server_random(ssl, seed, SSL3_RANDOM_SIZE);
	SSL_get_client_random(ssl, seed + SSL3_RANDOM_SIZE, SSL3_RANDOM_SIZE);
	result = derive(OSSL_KDF_NAME_TLS1_PRF, parameters, block,
	    2 * (key_size + iv_size));
	memcpy(client->key, block, key_size);
	memcpy(server->key, block + key_size, key_size);
	memcpy(client->iv, block + 2 * key_size, iv_size);
	memcpy(server->iv, block + 2 * key_size + iv_size, iv_size);
	/* Finished was record 0; the sequence number is the nonce's rest. */
	client->sequence = server->sequence = 1;
	if (iv_size == SALT_SIZE)
		client->iv[KERNEL_TLS_IV_SIZE - 1] =
		    server->iv[KERNEL_TLS_IV_SIZE - 1] = 1;
	explicit_bzero(master, sizeof(master));
	explicit_bzero(block, sizeof(block));
	return (result);
}

static int
cipher_of(const SSL *ssl, enum kernel_tls_cipher *cipher)
{
	switch (SSL_CIPHER_get_cipher_nid(SSL_get_current_cipher(ssl))) {
	case NID_aes_128_gcm:
		*cipher = KERNEL_TLS_AES_128_GCM;
		return (0);
	case NID_aes_256_gcm:
		*cipher = KERNEL_TLS_AES_256_GCM;
		return (0);
	case NID_chacha20_poly1305:
		*cipher = KERNEL_TLS_CHACHA20_POLY1305;
		return (0);
	default:
		return (-1);
	}
}

int
tls_keys_derive(const SSL *ssl, struct kernel_tls_keys *sending,
    struct kernel_tls_keys *receiving, struct error *error)
{
	const struct secrets *secrets = SSL_get_ex_data(ssl, secrets_index());
	const char *digest = EVP_MD_get0_name(
	    SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(ssl)));
	struct kernel_tls_keys client = { .old = SSL_version(ssl) == TLS1_2_VERSION };
	struct kernel_tls_keys server = client;
	int result = -1;

	if (cipher_of(ssl, &client.cipher) == -1)
		return (error_set(error, EXIT_PROTOCOL, "kernel TLS: the kernel "
		    "does not know %s", SSL_get_cipher_name(ssl)));
	server.cipher = client.cipher;
	if (client.old)
		result = derive_old(ssl, digest, &client, &server);
	else if (secrets != NULL && derive_new(digest, secrets->client,
	    secrets->client_size, &client) == 0)
		result = derive_new(digest, secrets->server, secrets->server_size,
		    &server);
	*sending = SSL_is_server(ssl) ? server : client;
	*receiving = SSL_is_server(ssl) ? client : server;
	explicit_bzero(&client, sizeof(client));
	explicit_bzero(&server, sizeof(server));
	if (result == -1)
		return (error_set(error, EXIT_SYSTEM, "kernel TLS: OpenSSL cannot "
		    "derive the keys"));
	return (0);
}
