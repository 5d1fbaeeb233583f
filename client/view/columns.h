/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Columns: what the client can say of each kind of object, and with which words: one for each thing, in
 * tables, in what -o takes, and in JSON, which data/schema describes. Pure. */

#include <glib.h>

#include "client/bus/model.h"
#include "client/view/column.h"

/* Ends with a column without a name. */
const Column *columns_for(ObjectKind kind);

/* What the column of this name says of the object, for people; NULL = nothing, or its kind has no such
 * column. New. */
GVariant *columns_get(const Model *model, const Object *object, const char *name);
