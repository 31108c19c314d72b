/* The domain's own console: the ring that start_info names. */
#pragma once

/* Find the ring. The initial domain has none, and nothing is written then. */
void console_open(void);
/* Write @bytes, with a carriage return before each newline. What a reader that is gone leaves no room for is lost. */
void console_write(const char *text, unsigned bytes);
/* Wait, not for ever, until the ring's reader has taken everything. */
void console_flush(void);
