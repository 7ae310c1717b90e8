#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include "tls/tls_verify.h"
#include "transport/identity.h"

#define NAMES_MAX 512		/* bytes of a certificate's names in a message */

int
tls_verify_common_name(X509 *certificate, char *name, size_t size)
{
	X509_NAME *subject = X509_get_subject_name(certificate);
	int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *text = NULL;
	int length, result = -1;

	if (index < 0 ||
	    X509_NAME_get_index_by_NID(subject, NID_commonName, index) >= 0)
		return (-1);
	length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(
	    X509_NAME_get_entry(subject, index)));
	if (length >= 0 && (size_t)length < size &&
	    memchr(text, '\0', (size_t)length) == NULL) {
		memcpy(name, text, (size_t)length);
		name[length] = '\0';
		result = 0;
	}
	OPENSSL_free(text);
	return (result);
}

/* "CN=x, O=y", cut to fit. */
static const char *
name_text(const X509_NAME *name, char *text, size_t size)
{
	BIO *memory = BIO_new(BIO_s_mem());
	int length;

	if (memory == NULL || X509_NAME_print_ex(memory, name, 0,
	    XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0 ||
	    (length = BIO_read(memory, text, (int)size - 1)) < 0)
		length = 0;
	text[length] = '\0';
	BIO_free(memory);
	return (length > 0 ? text : "(no name)");
}

/* "DNS:a, DNS:b" out of subjectAltName, cut to fit. */
static const char *
offered_names(X509 *certificate, char *text, size_t size)
{
	int index = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);
	BIO *memory = BIO_new(BIO_s_mem());
	int length = 0;

	if (memory != NULL && index >= 0 && X509V3_EXT_print(memory,
	    X509_get_ext(certificate, index), 0, 0) == 1)
		length = BIO_read(memory, text, (int)size - 1);
	text[length > 0 ? length : 0] = '\0';
	BIO_free(memory);
	return (length > 0 ? text : "none");
}

static const char *
time_text(const ASN1_TIME *when, char *text, size_t size)
{
	struct tm broken_down;

	if (ASN1_TIME_to_tm(when, &broken_down) != 1 ||
	    strftime(text, size, "%Y-%m-%d %H:%M:%S UTC", &broken_down) == 0)
		return ("an unreadable date");
	return (text);
}

/* Says why OpenSSL's check `problem` failed on this certificate. */
static void
explain(struct error *error, const struct tls_settings *settings,
    X509 *certificate, int depth, int problem)
{
	const char *side = settings->server ? "client" : "server";
	char subject[NAMES_MAX], other[NAMES_MAX], cn[IDENTITY_MAX + 1];

	switch (problem) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		error_set(error, EXIT_PROTOCOL, "it expired on %s", time_text(
		    X509_get0_notAfter(certificate), other, sizeof(other)));
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		error_set(error, EXIT_PROTOCOL, "it is not valid before %s (is "
		    "the clock right?)", time_text(
		    X509_get0_notBefore(certificate), other, sizeof(other)));
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		error_set(error, EXIT_PROTOCOL, "wrong CA: it was issued by %s, "
		    "which %s does not vouch for", name_text(
		    X509_get_issuer_name(certificate), other, sizeof(other)),
		    settings->ca_file);
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		if (tls_verify_common_name(certificate, cn, sizeof(cn)) == -1)
			cn[0] = '\0';
		error_set(error, EXIT_PROTOCOL, "wrong name: expected %s, "
		    "offered are %s (subjectAltName; the CN \"%s\" does not count)",
		    settings->server_name, offered_names(certificate, other,
		    sizeof(other)), cn);
		break;
	case X509_V_ERR_INVALID_PURPOSE:
		error_set(error, EXIT_PROTOCOL, "wrong purpose: its "
		    "extendedKeyUsage does not allow %sAuth", side);
		break;
	default:
		error_set(error, EXIT_PROTOCOL, "%s",
		    X509_verify_cert_error_string(problem));
	}
	error_prefix(error, "%s certificate %s refused", side, name_text(
	    X509_get_subject_name(certificate), subject, sizeof(subject)));
	if (depth > 0)
		error_prefix(error, "CA certificate %d above the %s's", depth, side);
}

/* Server: is the CN of this leaf, which its CA has signed, in our list? */
static bool
client_allowed(struct tls_verify *verify, X509 *certificate)
{
	const struct tls_settings *settings = verify->settings;
	char cn[IDENTITY_MAX + 1];

	if (tls_verify_common_name(certificate, cn, sizeof(cn)) == -1) {
		error_set(&verify->refusal, EXIT_PROTOCOL, "client certificate "
		    "refused: it does not have exactly one CN of at most %d bytes",
		    IDENTITY_MAX);
		return (false);
	}
	for (size_t i = 0; i < settings->client_count; i++)
		if (strcmp(settings->clients[i], cn) == 0)
			return (true);
	error_set(&verify->refusal, EXIT_PROTOCOL, "client certificate refused: "
	    "its CN \"%s\" is not among the clients allowed here", cn);
	return (false);
}

int
tls_verify_callback(int ok, X509_STORE_CTX *store)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_verify *verify = SSL_get_app_data(ssl);
	int depth = X509_STORE_CTX_get_error_depth(store);
	X509 *certificate = X509_STORE_CTX_get_current_cert(store);

	if (ok != 1) {
		if (verify->refusal.text[0] == '\0' && certificate != NULL)
			explain(&verify->refusal, verify->settings, certificate,
			    depth, X509_STORE_CTX_get_error(store));
		return (0);
	}
	if (depth == 0 && verify->settings->server &&
	    !client_allowed(verify, certificate)) {
		X509_STORE_CTX_set_error(store,
		    X509_V_ERR_APPLICATION_VERIFICATION);
		return (0);
	}
	return (1);
}

int
tls_verify_prepare(SSL *ssl, struct tls_verify *verify, struct error *error)
{
	const char *name = verify->settings->server_name;
	X509_VERIFY_PARAM *parameters = SSL_get0_param(ssl);
	struct in6_addr address;
	int done;

	verify->refusal.text[0] = '\0';
	SSL_set_app_data(ssl, verify);
	if (verify->settings->server)
		return (0);
	X509_VERIFY_PARAM_set_hostflags(parameters,
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (inet_pton(AF_INET, name, &address) == 1 ||
	    inet_pton(AF_INET6, name, &address) == 1)
		done = X509_VERIFY_PARAM_set1_ip_asc(parameters, name);
	else
		done = X509_VERIFY_PARAM_set1_host(parameters, name, 0) &&
		    SSL_set_tlsext_host_name(ssl, name);
	if (done != 1)
		return (error_set(error, EXIT_USAGE,
		    "server name \"%s\": neither a host name nor an address", name));
	return (0);
}

/* The certificate's SHA-256, in hex. */
static int
set_certificate_hash(X509 *certificate, struct error *error)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char text[2 * EVP_MAX_MD_SIZE + 1];
	unsigned length = 0;

	if (X509_digest(certificate, EVP_sha256(), digest, &length) != 1)
		return (error_set(error, EXIT_SYSTEM, "cannot hash a certificate"));
	for (unsigned i = 0; i < length; i++)
		snprintf(text + (size_t)2 * i, 3, "%02x", digest[i]);
	if (setenv("SSL_PEER_CERT_HASH", text, 1) == -1)
		return (error_errno(error, "environment"));
	return (0);
}

int
tls_verify_environment(const SSL *ssl, const struct tls_settings *settings,
    struct error *error)
{
	X509 *certificate = SSL_get0_peer_certificate(ssl);
	char subject[1024] = "", cn[IDENTITY_MAX + 1];
	BIO *memory;

	if (certificate == NULL)
		return (error_set(error, EXIT_PROTOCOL, "no certificate"));
	if (settings->server &&
	    (tls_verify_common_name(certificate, cn, sizeof(cn)) == -1 ||
	    setenv("ZR_CLIENT_IDENTITY", cn, 1) == -1))
		return (error_errno(error, "identity"));
	memory = BIO_new(BIO_s_mem());
	if (memory != NULL) {
		X509_NAME_print_ex(memory, X509_get_subject_name(certificate), 0,
		    XN_FLAG_RFC2253);
		BIO_read(memory, subject, sizeof(subject) - 1);
		BIO_free(memory);
	}
	if (setenv("SSL_PROTOCOL", SSL_get_version(ssl), 1) == -1 ||
	    setenv("SSL_CIPHER", SSL_get_cipher_name(ssl), 1) == -1 ||
	    setenv("SSL_PEER_CERT_SUBJECT", subject, 1) == -1)
		return (error_errno(error, "environment"));
	return (set_certificate_hash(certificate, error));
}
