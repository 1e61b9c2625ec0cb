package dev.replicator.queue;

import java.util.Objects;
import java.util.UUID;

/**
 * One history of a master database (rule R07). A new epoch begins only when continuity with the old one cannot be
 * proved. Two histories may bear the same number after mishaps, so the random id decides equality.
 *
 * @param number counts up from 1 in one cluster
 * @param id random 128 bits, made by capture alone
 */
public record Epoch(int number, UUID id) {

    public Epoch {
        Objects.requireNonNull(id, "id");
        if (number < 1) {
            throw new IllegalArgumentException("epoch number " + number + " is not positive");
        }
    }

    /** A history that did not exist before. */
    public static Epoch begin(int number) {
        return new Epoch(number, UUID.randomUUID());
    }

    @Override
    public String toString() {
        return number + "/" + id;
    }
}
