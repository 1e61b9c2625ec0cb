package dev.replicator.dumps;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.replicator.queue.TableName;
import java.util.List;
import java.util.Objects;

/**
 * What is needed to create a table in another database: columns, types, keys, checks and indexes. Names no other table,
 * sequence, function of a user or role (rule R24): what would is left out and listed in {@code omitted}. SQL fragments
 * are those of the server under an empty search_path, so every name in them that is not built in is qualified.
 *
 * @param name the table's name where it was read
 * @param extensions extensions that own types, operators or functions the definition uses
 * @param types enums, domains, composites, ranges and collations it uses, each behind those it needs itself
 * @param columns in the table's order, generated ones included
 * @param constraints primary key, unique, check and exclusion constraints; no foreign keys
 * @param indexes indexes that no constraint owns
 * @param omitted what could not be taken along and why, for people
 */
public record TableDefinition(
        TableName name,
        List<ExtensionRef> extensions,
        List<TypeDefinition> types,
        List<Column> columns,
        List<Constraint> constraints,
        List<Index> indexes,
        List<String> omitted) {

    public TableDefinition {
        Objects.requireNonNull(name, "name");
        extensions = List.copyOf(extensions);
        types = List.copyOf(types);
        columns = List.copyOf(columns);
        constraints = List.copyOf(constraints);
        indexes = List.copyOf(indexes);
        omitted = List.copyOf(omitted);
    }

    /**
     * An extension and the schema its objects are named in.
     *
     * @param name extension name
     * @param schema schema of its objects where the table was read
     */
    public record ExtensionRef(String name, String schema) {}

    /** What a {@link TypeDefinition} creates. */
    public enum TypeKind {
        @JsonProperty("enum")
        ENUM,
        @JsonProperty("domain")
        DOMAIN,
        @JsonProperty("composite")
        COMPOSITE,
        @JsonProperty("range")
        RANGE,
        @JsonProperty("collation")
        COLLATION
    }

    /**
     * A type or collation of a user.
     *
     * @param name its qualified name
     * @param create the statement that creates it
     * @param labels labels of an enum in order; empty for other kinds
     */
    public record TypeDefinition(TypeKind kind, TableName name, String create, List<String> labels) {
        public TypeDefinition {
            labels = List.copyOf(labels);
        }
    }

    /** Whether and how a column numbers itself. */
    public enum IdentityKind {
        @JsonProperty("none")
        NONE,
        @JsonProperty("always")
        ALWAYS,
        @JsonProperty("by-default")
        BY_DEFAULT
    }

    /** Whether and how a column is computed from others. */
    public enum GeneratedKind {
        @JsonProperty("none")
        NONE,
        @JsonProperty("stored")
        STORED,
        @JsonProperty("virtual")
        VIRTUAL
    }

    /**
     * One column.
     *
     * @param name its name
     * @param type formatted type with modifiers, qualified when not built in, for example {@code numeric(10,2)}
     * @param collation quoted, qualified name of a collation that is not the type's own, or null
     * @param notNull whether it refuses NULL
     * @param defaultExpression SQL, or null; for a generated column null
     * @param missingValue text of the value that rows have which are older than the column, or null
     * @param identity whether it numbers itself
     * @param generated whether it is computed; such a column is in no dump and in no change
     * @param generationExpression SQL, or null
     */
    public record Column(
            String name,
            String type,
            String collation,
            boolean notNull,
            String defaultExpression,
            String missingValue,
            IdentityKind identity,
            GeneratedKind generated,
            String generationExpression) {}

    /** Which kind of constraint. */
    public enum ConstraintKind {
        @JsonProperty("primary-key")
        PRIMARY_KEY,
        @JsonProperty("unique")
        UNIQUE,
        @JsonProperty("check")
        CHECK,
        @JsonProperty("exclusion")
        EXCLUSION
    }

    /**
     * One table constraint.
     *
     * @param name its name
     * @param definition SQL behind {@code ADD CONSTRAINT name}
     */
    public record Constraint(ConstraintKind kind, String name, String definition) {}

    /**
     * One index.
     *
     * @param name its name
     * @param unique whether it is a unique index
     * @param definition SQL behind {@code CREATE [UNIQUE] INDEX name ON table}, beginning with {@code USING}
     */
    public record Index(String name, boolean unique, String definition) {}

    /** Names of the columns that a dump carries, in order: all that are not generated. */
    public List<String> copyColumns() {
        return columns.stream()
                .filter(column -> column.generated() == GeneratedKind.NONE)
                .map(Column::name)
                .toList();
    }

    public String toJson() {
        return DumpJson.write(this);
    }

    /**
     * Reads {@link #toJson}.
     *
     * @throws IllegalArgumentException when the text is not a table definition
     */
    public static TableDefinition fromJson(String json) {
        return DumpJson.read(json, TableDefinition.class);
    }
}
