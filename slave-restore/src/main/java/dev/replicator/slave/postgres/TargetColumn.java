package dev.replicator.slave.postgres;

/**
 * A column of a target table.
 *
 * @param name column name
 * @param type type with modifier as PostgreSQL writes it, for example {@code character varying(20)}
 * @param castType base type without modifier: a value cast to it and then assigned is checked against the modifier,
 *     where a cast to {@link #type} would cut it silently
 * @param equalsOperator the type's own equality, qualified: {@code OPERATOR(public.=)} for citext; the search path is empty
 * @param notNull NULL is refused
 * @param generated computed by the server, never written
 * @param identityAlways GENERATED ALWAYS AS IDENTITY: inserted only by OVERRIDING SYSTEM VALUE, never updated
 */
public record TargetColumn(
        String name,
        String type,
        String castType,
        String equalsOperator,
        boolean notNull,
        boolean generated,
        boolean identityAlways) {}
