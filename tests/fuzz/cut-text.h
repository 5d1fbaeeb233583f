/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the fuzzers of stored files: what a file system may leave of one. */

/* Takes an end off a text of key_file_reader_close(): how much follows from the text. */
void cut_closed_text(char *text);
