SELECT cell, count(*), sum(('x' || substr(digest, 1, 15))::bit(60)::bigint), sum(('x' || substr(digest, 16, 15))::bit(60)::bigint)
FROM (SELECT coalesce(('x' || substr(md5('ababababababababababababababababk' ||
CASE
WHEN f0 IN ('a') THEN
    coalesce(char_length(f0)::text || ':' || f0, '-') ||
    coalesce(char_length(f1)::text || ':' || f1, '-')
WHEN f0 IN ('b''') THEN
    coalesce(char_length(f0)::text || ':' || f0, '-') ||
    coalesce(char_length(f1)::text || ':' || f1, '-') END), 1, 4))::bit(16)::int, 65536) AS cell, md5('abababababababababababababababab' ||
CASE
WHEN fit AND amount IS NOT NULL AND (f3 IS NULL OR f3 <> '?') THEN 'r'
ELSE '!' END ||
    coalesce(CASE
WHEN f0 IN ('a') THEN
    coalesce(char_length(f0)::text || ':' || f0, '-') ||
    coalesce(char_length(f1)::text || ':' || f1, '-') || '10:2026-11-20' ||
    coalesce(char_length(f3)::text || ':' || f3, '-') ||
    coalesce(char_length(f8)::text || ':' || f8, '-') ||
    coalesce(char_length(amount)::text || ':' || amount, '-')
WHEN f0 IN ('b''') THEN
    coalesce(char_length(f0)::text || ':' || f0, '-') ||
    coalesce(char_length(f1)::text || ':' || f1, '-') || '10:2026-11-20' ||
    coalesce(char_length(f8)::text || ':' || f8, '-') ||
    coalesce(char_length(amount)::text || ':' || amount, '-')
END, ''))
AS digest FROM (SELECT f0, f1, f3, f8, fit,
CASE
WHEN (f8 IN ('JPY') AND decimals <= 0) OR (f8 IN ('MXN') AND decimals <= 2) THEN f9 END AS amount
FROM (SELECT nullif(btrim("source"::text) COLLATE "C", '') AS f0, nullif(btrim("id"::text) COLLATE "C", '') AS f1,
CASE
WHEN "at" >= '1900-01-01 00:00:00+00' AND "at" < '2200-01-01 00:00:00+00' THEN to_char("at" AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')
WHEN "at" IS NOT NULL THEN '?' END AS f3, nullif(btrim("code"::text) COLLATE "C", '') AS f8,
CASE
WHEN abs("amount") < 1e26 THEN trunc("amount" * 100)::text END AS f9, coalesce(octet_length("code"::text), 0) + coalesce(octet_length("source"::text), 0) <= 524199 AS fit, scale("amount") AS decimals
FROM "movements"
WHERE "date" IN ('2026-11-20') OFFSET '0') AS texts OFFSET '0') AS vals OFFSET '0') AS digests
GROUP BY 1 ORDER BY 1
