package dev.replicator.simulation;

import java.util.ArrayList;
import java.util.List;

/** Cuts a statement into words. Casts are dropped: values know what they are. */
final class SqlTokens {
    private final List<String> tokens = new ArrayList<>();
    private int next;

    SqlTokens(String sql) {
        int i = 0;
        while (i < sql.length()) {
            char c = sql.charAt(i);
            if (Character.isWhitespace(c)) {
                i++;
            } else if (c == '\'') {
                int end = sql.indexOf('\'', i + 1);
                tokens.add(sql.substring(i, end + 1));
                i = end + 1;
            } else if (c == '"') {
                int end = sql.indexOf('"', i + 1);
                tokens.add(sql.substring(i + 1, end));
                i = end + 1;
            } else if (Character.isLetterOrDigit(c) || c == '_') {
                int end = i;
                while (end < sql.length() && isWord(sql.charAt(end))) {
                    end++;
                }
                tokens.add(sql.substring(i, end));
                i = end;
            } else if (sql.startsWith("::", i)) {
                i += 2;
                while (i < sql.length() && isWord(sql.charAt(i))) {
                    i++;
                }
            } else if (sql.startsWith("<>", i) || sql.startsWith("<=", i) || sql.startsWith(">=", i)) {
                tokens.add(sql.substring(i, i + 2));
                i += 2;
            } else {
                tokens.add(String.valueOf(c));
                i++;
            }
        }
    }

    private static boolean isWord(char c) {
        return Character.isLetterOrDigit(c) || c == '_' || c == '.';
    }

    String peek() {
        return next < tokens.size() ? tokens.get(next) : "";
    }

    String take() {
        return tokens.get(next++);
    }

    boolean is(String word) {
        return peek().equalsIgnoreCase(word);
    }

    boolean isBehind(String word) {
        return next + 1 < tokens.size() && tokens.get(next + 1).equalsIgnoreCase(word);
    }

    /** Takes the word if it is next. */
    boolean skip(String word) {
        if (is(word)) {
            next++;
            return true;
        }
        return false;
    }

    void expect(String word) {
        if (!skip(word)) {
            throw new IllegalStateException("expected " + word + " before " + tokens.subList(next, tokens.size()));
        }
    }

    boolean isOver() {
        return next >= tokens.size();
    }
}
