/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a rule: its terms. For the files of this folder alone; everybody else has rule.h. */

#include <glib.h>
#include <stdbool.h>

typedef struct Rule Rule;

/* In canonical order. */
typedef enum RuleKey {
    RULE_KEY_VENDOR,
    RULE_KEY_PRODUCT,
    RULE_KEY_SERIAL,
    RULE_KEY_NAME,
    RULE_KEY_MANUFACTURER,
    RULE_KEY_CLASS,
    RULE_KEY_PORT,
    RULE_KEY_HUB,
    RULE_KEY_CONTROLLER,
    RULE_KEY_NODE,
    RULE_KEY_REMOVABLE,
    RULE_KEY_SPEED,
    _RULE_KEY_MAX,
    _RULE_KEY_INVALID = -1,
} RuleKey;

/* One key=value. */
typedef struct RuleTerm {
    RuleKey key;
    bool negated;
    char *value;   /* canonical; in a text key \*, \? and \\ are the characters themselves */
    char *literal; /* the value without wildcards and escapes; NULL when it has wildcards */
} RuleTerm;

struct Rule {
    unsigned refs;
    GArray *terms; /* of RuleTerm, in canonical order, without doubles */
};

/* "vendor", "product", … */
const char *rule_key_to_string(RuleKey key);
RuleKey rule_key_from_string(const char *text);

Rule *rule_new(void);
/* Takes the value, which is canonical. rule_settle() must follow the last one. */
void rule_add(Rule *rule, RuleKey key, bool negated, char *value);
void rule_settle(Rule *rule);
