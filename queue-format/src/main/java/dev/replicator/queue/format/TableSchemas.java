package dev.replicator.queue.format;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.replicator.queue.CatalogFacts;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.ValueEncoding;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Makes and reads table schemas. The Avro schema of a change carries, as properties on record and fields, everything
 * the replicator knows of the table, so the schema text alone restores a {@link TableSchema}; the incarnation stands
 * beside it and does not change the fingerprint.
 */
public final class TableSchemas {
    private static final ObjectMapper JSON = new ObjectMapper();

    private TableSchemas() {}

    /** Builds a schema; the same arguments give the same text and fingerprint on every machine. */
    public static TableSchema create(
            int tableId, TableName name, int incarnation, char replicaIdentity, List<ColumnSchema> columns) {
        ObjectNode change = JSON.createObjectNode();
        change.put("type", "record").put("name", "Change").put("namespace", "replicator");
        change.put("schema", name.schema()).put("table", name.table()).put("tableId", tableId);
        change.put("replicaIdentity", String.valueOf(replicaIdentity));
        ArrayNode fields = change.putArray("fields");
        ObjectNode kind = fields.addObject().put("name", "kind").putObject("type");
        kind.put("type", "enum").put("name", "ChangeKind");
        kind.putArray("symbols").add("INSERT").add("UPDATE").add("DELETE").add("TRUNCATE");
        ArrayNode before = fields.addObject().put("name", "before").putArray("type");
        before.add("null").add(row(columns));
        fields.addObject().put("name", "after").putArray("type").add("null").add("Row");
        String text = change.toString();
        return new TableSchema(
                tableId, name, incarnation, replicaIdentity, columns, fingerprint(text), text, CatalogFacts.NONE);
    }

    /** JSON payload of a SCHEMA record. */
    public static String toJson(TableSchema schema) {
        ObjectNode node = JSON.createObjectNode();
        node.put("incarnation", schema.incarnation());
        node.put("fingerprint", Long.toHexString(schema.fingerprint()));
        node.put("avro", schema.avroSchema());
        CatalogFacts catalog = schema.catalog();
        if (!catalog.mark().isEmpty()) {
            node.put("mark", catalog.mark());
        }
        if (!catalog.missingValues().isEmpty()) {
            ObjectNode missing = node.putObject("missing");
            new TreeMap<>(catalog.missingValues()).forEach(missing::put);
        }
        return node.toString();
    }

    /**
     * Reads the payload of a SCHEMA record.
     *
     * @throws CorruptRecordException when it is not one, or its fingerprint does not fit
     */
    public static TableSchema fromJson(String json) throws CorruptRecordException {
        try {
            JsonNode node = JSON.readTree(json);
            return fromAvro(
                            node.path("avro").asText(),
                            node.path("incarnation").asInt(),
                            node.path("fingerprint").asText())
                    .withCatalog(catalog(node));
        } catch (JsonProcessingException | IllegalArgumentException | IndexOutOfBoundsException e) {
            CorruptRecordException corrupt = new CorruptRecordException("SCHEMA record", 0, "not a table schema");
            corrupt.initCause(e);
            throw corrupt;
        }
    }

    private static CatalogFacts catalog(JsonNode node) {
        Map<String, String> missing = new HashMap<>();
        node.path("missing")
                .properties()
                .forEach(value -> missing.put(value.getKey(), value.getValue().asText()));
        return new CatalogFacts(node.path("mark").asText(), missing);
    }

    private static TableSchema fromAvro(String avro, int incarnation, String fingerprint)
            throws JsonProcessingException, CorruptRecordException {
        if (!Long.toHexString(fingerprint(avro)).equals(fingerprint)) {
            throw new CorruptRecordException("SCHEMA record", 0, "fingerprint does not fit the schema text");
        }
        JsonNode change = JSON.readTree(avro);
        List<ColumnSchema> columns = new ArrayList<>();
        for (JsonNode field : change.path("fields").path(1).path("type").path(1).path("fields")) {
            columns.add(new ColumnSchema(
                    field.path("column").asText(),
                    field.path("nativeType").asText(),
                    field.path("typeOid").asInt(),
                    field.path("typeModifier").asInt(),
                    field.path("identity").asBoolean(),
                    encoding(field.path("type").path(1).asText())));
        }
        return new TableSchema(
                change.path("tableId").asInt(),
                new TableName(
                        change.path("schema").asText(), change.path("table").asText()),
                incarnation,
                change.path("replicaIdentity").asText().charAt(0),
                columns,
                fingerprint(avro),
                avro,
                CatalogFacts.NONE);
    }

    /** JSON text in the one block of a record that is no transaction; see {@link ControlRecords}. */
    static ByteBuffer jsonBlock(int tableId, String json) {
        byte[] utf8 = json.getBytes(StandardCharsets.UTF_8);
        return Blocks.seal(tableId, 0, 0, utf8, utf8.length);
    }

    private static ObjectNode row(List<ColumnSchema> columns) {
        ObjectNode row = JSON.createObjectNode();
        row.put("type", "record").put("name", "Row");
        ArrayNode fields = row.putArray("fields");
        Set<String> names = new HashSet<>();
        boolean unchangedDefined = false;
        for (ColumnSchema column : columns) {
            ObjectNode field = fields.addObject().put("name", avroName(column.name(), names));
            ArrayNode type = field.putArray("type").add("null").add(avroType(column.encoding()));
            if (unchangedDefined) {
                type.add("Unchanged");
            } else {
                type.addObject().put("type", "record").put("name", "Unchanged").putArray("fields");
                unchangedDefined = true;
            }
            field.put("column", column.name()).put("nativeType", column.typeName());
            field.put("typeOid", column.typeOid()).put("typeModifier", column.typeModifier());
            field.put("identity", column.identity());
        }
        return row;
    }

    /** Avro names are [A-Za-z_][A-Za-z0-9_]*; column names are anything. Other characters become _hex_. */
    private static String avroName(String column, Set<String> taken) {
        StringBuilder name = new StringBuilder();
        for (char c : column.toCharArray()) {
            boolean letter = c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_';
            if (letter || c >= '0' && c <= '9' && !name.isEmpty()) {
                name.append(c);
            } else {
                name.append('_').append(Integer.toHexString(c)).append('_');
            }
        }
        while (!taken.add(name.toString())) {
            name.append('_');
        }
        return name.toString();
    }

    private static String avroType(ValueEncoding encoding) {
        return switch (encoding) {
            case BOOLEAN -> "boolean";
            case INT -> "int";
            case LONG -> "long";
            case BYTES -> "bytes";
            case TEXT -> "string";
        };
    }

    private static ValueEncoding encoding(String avroType) {
        return switch (avroType) {
            case "boolean" -> ValueEncoding.BOOLEAN;
            case "int" -> ValueEncoding.INT;
            case "long" -> ValueEncoding.LONG;
            case "bytes" -> ValueEncoding.BYTES;
            case "string" -> ValueEncoding.TEXT;
            default -> throw new IllegalArgumentException("no encoding for Avro type '" + avroType + "'");
        };
    }

    private static long fingerprint(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return ByteBuffer.wrap(digest).getLong();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
