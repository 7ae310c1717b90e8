/*
 * Feeds one data connection's bytes to the frame, stream and exchange codecs,
 * in the role and the pieces that the first two bytes say.
 */
#include <stddef.h>
#include <stdint.h>

#include "dataconn/exchange.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum method_kind kinds[] = { METHOD_PING, METHOD_SEND,
	    METHOD_RECEIVE, METHOD_UNARY };
	struct exchange exchange;
	struct error error;
	size_t piece, take, consumed, at = 2;
	enum exchange_event event;

	if (size < 2)
		return (0);
	exchange_init(&exchange, data[0] & 1 ? EXCHANGE_CLIENT : EXCHANGE_SERVER,
	    kinds[data[0] >> 1 & 3]);
	if (data[0] & 8)
		exchange_allow_compression(&exchange);
	piece = (size_t)data[1] + 1;
	while (at < size) {
		take = size - at < piece ? size - at : piece;
		event = exchange_next(&exchange, data + at, take, &consumed, &error);
		if (consumed > take || (event == EXCHANGE_MORE && consumed != take))
			__builtin_trap();
		if (event == EXCHANGE_REFUSED || event == EXCHANGE_STREAM_FAILED)
			(void)exchange_text(&exchange);
		if (event == EXCHANGE_DATA && (exchange.data < data ||
		    exchange.data + exchange.data_length > data + size))
			__builtin_trap();
		if (event == EXCHANGE_DATA && exchange.data_compressed &&
		    (exchange.inflated == 0 || exchange.inflated > FRAME_PAYLOAD_MAX))
			__builtin_trap();
		at += consumed;
	}
	exchange_end_of_file(&exchange, &error);
	exchange_free(&exchange);
	return (0);
}
