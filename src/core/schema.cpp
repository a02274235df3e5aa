// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/ndjson.h"

namespace sonde {

namespace {

// The members of a property's schema that follow from its kind.
std::string_view type_of(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::boolean:
      return R"("type": ["boolean", "null"])";
    case Value::Kind::integer:
      return R"("type": ["integer", "null"])";
    case Value::Kind::natural:
    case Value::Kind::duration:
    case Value::Kind::bytes:
      return R"("type": ["integer", "null"], "minimum": 0)";
    case Value::Kind::real:
      return R"("type": ["number", "null"])";
    case Value::Kind::text:
    case Value::Kind::symbol:
      return R"("type": ["string", "null"])";
    case Value::Kind::list:
      return R"("type": ["array", "null"], "items": {"type": "string"})";
    case Value::Kind::time:
      return R"("type": ["string", "null"], "format": "date-time")";
    case Value::Kind::histogram:
      return R"("type": ["array", "null"], "items": {"type": "object"})";
    case Value::Kind::stack:
      return R"("type": ["array", "null"], "items": {"type": "object", "properties": {)"
             R"("symbol": {"type": ["string", "null"]}, "module": {"type": ["string", "null"]}, )"
             R"("offset": {"type": ["integer", "null"], "minimum": 0}}})";
    case Value::Kind::none:
      break;
  }
  return R"("type": "null")";
}

class Schema {
 public:
  explicit Schema(Output& out) : out_(out) {}

  void property(const std::string& key, std::string_view type, const std::string& help) {
    out_.put(",\n    ");
    put_json_string(out_, key);
    out_.put(": {");
    out_.put(type);
    out_.put(R"(, "description": )");
    put_json_string(out_, help);
    out_.put('}');
  }

  void properties(const ColumnInfo& column) {
    const std::string& key = column.key;
    property(key, type_of(column.kind), column.help);
    if (column.kind == Value::Kind::symbol)
      property(key + "_raw", R"("type": ["integer", "null"])", "the number that " + key + " names");
    if (column.kind != Value::Kind::text && column.kind != Value::Kind::list) return;
    property(
        key + "_hex",
        column.kind == Value::Kind::text ? R"("type": "string")" : R"("type": "array", "items": {"type": "string"})",
        "the bytes of " + key + " in hexadecimal; only where they are not UTF-8");
    property(key + "_cut", R"("const": true)", "only where " + key + " is longer than what could be read");
  }

  void required(const std::string& key) {
    out_.put(", ");
    put_json_string(out_, key);
  }

 private:
  Output& out_;
};

}  // namespace

void put_schema(Output& out, std::string_view tool, RowKind kind, std::span<const ColumnInfo* const> columns) {
  Schema schema(out);
  out.put("{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"title\": ");
  put_json_string(out, "sonde " + std::string(tool) + " " + std::string(type_name(kind)));
  out.put(",\n  \"type\": \"object\",\n  \"properties\": {\n    \"type\": {\"const\": ");
  put_json_string(out, type_name(kind));
  out.put("}");
  if (kind == RowKind::sum) {
    schema.property("interval", R"("type": "integer", "minimum": 1)", "which interval of the run");
    schema.property("start", R"("type": "string", "format": "date-time")", "when it began");
    schema.property("end", R"("type": "string", "format": "date-time")", "when it ended");
  }
  for (const ColumnInfo* column : columns) schema.properties(*column);
  out.put("\n  },\n  \"required\": [\"type\"");
  if (kind == RowKind::sum)
    for (const char* key : {"interval", "start", "end"}) schema.required(key);
  for (const ColumnInfo* column : columns) {
    schema.required(column->key);
    if (column->kind == Value::Kind::symbol) schema.required(column->key + "_raw");
  }
  out.put("],\n  \"additionalProperties\": false\n}\n");
}

}  // namespace sonde
