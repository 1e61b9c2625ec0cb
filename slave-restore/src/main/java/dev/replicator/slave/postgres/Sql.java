package dev.replicator.slave.postgres;

import dev.replicator.queue.TableName;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;

/** An SQL text under construction together with its parameters, in the order of their question marks. */
final class Sql {
    private final StringBuilder text;
    private final List<Object> parameters = new ArrayList<>();

    Sql() {
        this("");
    }

    /** @param text to begin with; its parameters follow by {@link #parameter} */
    Sql(String text) {
        this.text = new StringBuilder(text);
    }

    Sql add(String part) {
        text.append(part);
        return this;
    }

    /** Adds one value as text, cast to a type. */
    Sql value(Object value, String type) {
        text.append("?::text::").append(type);
        parameters.add(Values.text(value));
        return this;
    }

    /** Adds a column of values as an array, to be unnested. */
    Sql array(BinaryArray values) {
        text.append("?::").append(values.elementType()).append("[]");
        parameters.add(values);
        return this;
    }

    /** Adds a parameter whose question mark stands in the text already. */
    Sql parameter(BinaryArray values) {
        parameters.add(values);
        return this;
    }

    static String columns(Collection<TargetColumn> columns) {
        return columns.stream().map(column -> TableName.quote(column.name())).collect(Collectors.joining(", "));
    }

    /** {@code t."name"}. */
    static String of(String alias, TargetColumn column) {
        return alias + "." + TableName.quote(column.name());
    }

    List<Object> parameters() {
        return parameters;
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
