#include <string.h>

#include "dataconn/frame.h"

void
frame_put_number(uint8_t out[4], uint32_t number)
{
	out[0] = (uint8_t)(number >> 24);
	out[1] = (uint8_t)(number >> 16);
	out[2] = (uint8_t)(number >> 8);
	out[3] = (uint8_t)number;
}

uint32_t
frame_number(const uint8_t in[4])
{
	return ((uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 |
	    (uint32_t)in[2] << 8 | in[3]);
}

void
frame_encode(uint8_t out[FRAME_HEADER_SIZE], uint32_t type, uint32_t length)
{
	frame_put_number(out, type);
	frame_put_number(out + 4, length);
}

void
frame_decode(struct frame_header *header, const uint8_t in[FRAME_HEADER_SIZE])
{
	header->type = frame_number(in);
	header->length = frame_number(in + 4);
}

const char *
frame_type_name(uint32_t type)
{
	switch (type) {
	case FRAME_REQ_HEADER:
		return ("ReqHeader");
	case FRAME_REQ_STRUCTURED:
		return ("ReqStructured");
	case FRAME_RES_HEADER:
		return ("ResHeader");
	case FRAME_RES_STRUCTURED:
		return ("ResStructured");
	case FRAME_ZFS_STREAM:
		return ("ZFSStream");
	case FRAME_STREAM_ERROR:
		return ("StreamErrTrailer");
	case FRAME_END:
		return ("End");
	case FRAME_HEARTBEAT:
		return ("Heartbeat");
	case FRAME_SHUTDOWN:
		return ("Shutdown");
	default:
		return (NULL);
	}
}

size_t
frame_reader_next(struct frame_reader *reader, const uint8_t *bytes,
    size_t size, struct frame_item *item)
{
	size_t take;

	*item = (struct frame_item){ .kind = FRAME_ITEM_NONE };
	if (size == 0)
		return (0);
	if (reader->left > 0) {
		take = size < reader->left ? size : reader->left;
		reader->left -= (uint32_t)take;
		item->kind = FRAME_ITEM_PAYLOAD;
		item->payload = bytes;
		item->length = take;
		return (take);
	}
	take = FRAME_HEADER_SIZE - reader->have;
	if (take > size)
		take = size;
	memcpy(reader->header + reader->have, bytes, take);
	reader->have += take;
	if (reader->have == FRAME_HEADER_SIZE) {
		frame_decode(&reader->current, reader->header);
		reader->left = reader->current.length;
		reader->have = 0;
		item->kind = FRAME_ITEM_HEADER;
	}
	return (take);
}

bool
frame_reader_at_boundary(const struct frame_reader *reader)
{
	return (reader->have == 0 && reader->left == 0);
}
