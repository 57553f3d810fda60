using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Lumiku.Gateway.Settings;

/// <summary>A key or token. Printing, logging or serialising it shows <c>***</c>; only <see cref="Reveal"/> gives the value.</summary>
[TypeConverter(typeof(SecretConverter))]
[DebuggerDisplay("***")]
internal sealed class Secret(string value)
{
    /// <summary>The value itself, for the one header or hash that needs it.</summary>
    public string Reveal() => value;

    /// <summary>Whether it can travel in a header: visible ASCII characters, no spaces, at least one.</summary>
    public bool FitsHeader => value.Length > 0 && value.All(c => c is > ' ' and <= '~');

    public override string ToString() => "***";

    private sealed class SecretConverter : TypeConverter
    {
        public override bool CanConvertFrom(ITypeDescriptorContext? context, Type sourceType) => sourceType == typeof(string);

        public override object? ConvertFrom(ITypeDescriptorContext? context, CultureInfo? culture, object value) =>
            value is string text ? new Secret(text) : base.ConvertFrom(context, culture, value);
    }
}
