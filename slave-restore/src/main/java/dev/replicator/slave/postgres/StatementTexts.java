package dev.replicator.slave.postgres;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/** Texts of one binding's statements, by what they do and with which columns: batches have the same few. For any thread. */
final class StatementTexts {
    /** More than most tables have; where each update knows other columns, it begins anew. */
    private static final int MOST = 256;

    private final Map<Key, String> texts = new ConcurrentHashMap<>();

    private record Key(String statement, List<Integer> columns) {}

    String of(String statement, List<Integer> columns, Supplier<String> made) {
        if (texts.size() > MOST) {
            texts.clear();
        }
        return texts.computeIfAbsent(new Key(statement, columns), key -> made.get());
    }
}
