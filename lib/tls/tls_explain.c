#include <stddef.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tls/tls_explain.h"

/*
 * The meaning of an alert by which the peer ended the connection.  The peer knows more
 * than the alert can say, and its log has that if it runs zr.
 */
static int
explain_alert(const SSL *ssl, const struct tls_settings *settings, int alert,
    struct error *error)
{
	const char *peer = settings->server ? "client" : "server";
	const char *name = SSL_alert_desc_string_long(alert);
	const char *certificate = settings->certificate_file;

	switch (alert) {
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_CERTIFICATE_UNKNOWN:
		return (error_set(error, EXIT_PROTOCOL, "the %s refused our "
		    "certificate %s: %s%s", peer, certificate, name,
		    settings->server ? "; does it expect another server name?" : ""));
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_REVOKED:
	case SSL_AD_CERTIFICATE_EXPIRED:
		return (error_set(error, EXIT_PROTOCOL, "the %s refused our "
		    "certificate %s: %s", peer, certificate, name));
	case SSL_AD_UNKNOWN_CA:
		return (error_set(error, EXIT_PROTOCOL, "the %s refused our "
		    "certificate %s: its CA file does not vouch for it (%s)", peer,
		    certificate, name));
	case SSL_AD_HANDSHAKE_FAILURE:
	case SSL_AD_ACCESS_DENIED:
		/* Once there is a cipher, only our certificate can be wrong. */
		if (SSL_get_current_cipher(ssl) == NULL)
			return (error_set(error, EXIT_PROTOCOL, "no cipher or "
			    "group that both sides accept (-e, -g): the %s refused "
			    "ours (%s)", peer, name));
		return (error_set(error, EXIT_PROTOCOL, "the %s refused our "
		    "certificate %s: %s%s", peer, certificate, name,
		    settings->server ? "" : "; is its CN allowed there?"));
	case SSL_AD_PROTOCOL_VERSION:
		return (error_set(error, EXIT_PROTOCOL, "no common version of "
		    "TLS: the %s refused ours (%s)", peer, name));
	default:
		return (error_set(error, EXIT_PROTOCOL, "the %s ended the "
		    "connection with a TLS alert: %s", peer, name));
	}
}

int
tls_explain(const SSL *ssl, const struct tls_verify *verify,
    unsigned long code, bool handshake, struct error *error)
{
	const char *peer = verify->settings->server ? "client" : "server";
	const char *text;

	if (verify->alert_received > SSL_AD_CLOSE_NOTIFY)
		return (explain_alert(ssl, verify->settings,
		    verify->alert_received, error));
	switch (ERR_GET_REASON(code)) {
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		return (error_set(error, EXIT_PROTOCOL,
		    "the client showed no certificate"));
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_SUITABLE_GROUPS:
	case SSL_R_NO_SUITABLE_KEY_SHARE:
	case SSL_R_NO_SHARED_GROUPS:
	case SSL_R_NO_CIPHERS_AVAILABLE:
		return (error_set(error, EXIT_PROTOCOL, "no cipher or group that "
		    "both sides accept (-e, -g): %s",
		    ERR_reason_error_string(code)));
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_VERSION_TOO_HIGH:
	case SSL_R_NO_PROTOCOLS_AVAILABLE:
		return (error_set(error, EXIT_PROTOCOL, "no common version of "
		    "TLS: the %s offers none that we accept (-m)", peer));
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_UNKNOWN_PROTOCOL:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
	case SSL_R_RECORD_LENGTH_MISMATCH:
		if (handshake)
			return (error_set(error, EXIT_PROTOCOL,
			    "the %s does not speak TLS", peer));
		break;
	default:
		break;
	}
	if (code == 0)
		return (error_set(error, EXIT_PROTOCOL, "the %s closed the "
		    "connection%s", peer, handshake ?
		    " during the TLS handshake" : ""));
	text = ERR_reason_error_string(code);
	return (error_set(error, EXIT_PROTOCOL, "TLS %sfailed: %s",
	    handshake ? "handshake " : "", text != NULL ? text : "unknown reason"));
}
