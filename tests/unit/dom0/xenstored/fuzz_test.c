/* Hostile messages, seeded: several guests and domain 0 send well and badly formed requests in
 * turns; the audit is the judge, ASan and UBSan sit beside it. */
#include <stdio.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/xenstored/lab.h"

#define ROUNDS 60000

static uint32_t seed = 20;

static uint32_t draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % below;
}

static size_t word(char *to)
{
	static const char *const words[] = {
		"/", "/a", "/a/b", "/a/b/c", "/local/domain/1", "/local/domain/2/x", "x", "y/z",
		"@releaseDomain", "@introduceDomain", "", "//", "/a/", "n0", "r1", "b2", "w3", "T",
		"F", "0", "1", "2", "7", "99999", "token", "check", "memreport", "quota", "help",
		"/a/\xff", "/local",
	};
	const char *w = words[draw(sizeof words / sizeof words[0])];

	memcpy(to, w, strlen(w) + 1);
	return strlen(w) + 1;
}

static size_t payload(char *body)
{
	size_t len = 0;
	uint32_t count = draw(5);

	if (draw(40) == 0) {
		len = draw(XENSTORE_PAYLOAD_MAX);
		for (size_t i = 0; i < len; i++)
			body[i] = (char)draw(256);
		return len;
	}
	for (uint32_t i = 0; i < count; i++)
		len += word(body + len);
	if (draw(4) == 0 && len > 0)
		len--;	/* no NUL at the end */
	return len;
}

static void request(struct peer *p)
{
	char msg[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
	struct xsd_sockmsg h = { .type = draw(XS_TYPE_COUNT + 2), .req_id = draw(100) };
	size_t len;

	if (draw(3) == 0)
		h.type = draw(2) ? XS_WRITE : XS_RM;
	h.tx_id = draw(3) == 0 ? draw(12) : 0;
	len = payload(msg + sizeof h);
	h.len = (uint32_t)len;
	if (draw(2000) == 0)
		h.len = draw(UINT32_MAX);
	memcpy(msg, &h, sizeof h);
	peer_send(p, msg, sizeof h + len);
}

START_TEST(hostile)
{
	static struct lab lab;
	struct peer *peer[4];

	lab_open(&lab);
	for (uint16_t i = 0; i < 4; i++)
		peer[i] = peer_open(&lab, i);
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t i = draw(4);

		if (!peer[i]->conn || draw(3000) == 0 ||
		    peer[i]->in_len - peer[i]->in_at > sizeof peer[i]->in / 2) {
			peer_close(peer[i]);
			peer[i] = peer_open(&lab, (uint16_t)i);
		}
		peer[i]->deaf = draw(20) == 0;
		request(peer[i]);
		if (peer[i]->out_len > sizeof peer[i]->out / 2)
			peer[i]->out_at = peer[i]->out_len = 0;
		if (draw(2000) == 0)
			store_domain_gone(lab.s, (uint16_t)(1 + draw(3)));
		if (round % 64 == 0)
			lab_audit(&lab);
	}
	for (int i = 0; i < 4; i++)
		peer_close(peer[i]);
	lab_close(&lab);
}
END_TEST

CHECK_MAIN("fuzz", NULL, NULL, hostile)
