"""Currencies: ISO 4217 codes now in use, and how many decimals an amount of each has."""

from __future__ import annotations

from collections.abc import Mapping

_WITHOUT = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_TWO = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL
MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK
PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS
TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
"""
_LEFT = "ANG BGN HRK MRO SLL STD ZWL"  # there may be bills in them, or plans of Lago
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_FOUR = "CLF UYW"

CURRENCIES: Mapping[str, int] = {
    code: digits
    for digits, codes in ((0, _WITHOUT), (2, _TWO), (2, _LEFT), (3, _THREE), (4, _FOUR))
    for code in codes.split()
}
"""Code to the decimals of its smallest unit."""


def minor_digits(code: str) -> int:
    """The decimals of amounts in a currency: 2 of euros, 0 of yen. It has to be a known one."""
    return CURRENCIES[code]
