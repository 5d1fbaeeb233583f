/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Examples: for the help of each verb. Its test has every line of them parsed. */

/* Lines, each of them a whole command; NULL = there are none. */
const char *examples_of(const char *verb);
